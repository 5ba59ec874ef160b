"""Deliver: the answer's last bytes, once the call is settled."""

from setaria.core.errors import Unavailable
from setaria.gateway.ports import Client, Log
from setaria.gateway.record import log_fields
from setaria.gateway.refuse import error_headers, refuse
from setaria.gateway.stages import Reply, Settled


def deliver(settled: Settled, client: Client, log: Log) -> None:
    """Send what the client still lacks, and write the call's line in the log."""
    reply = settled.reply
    if reply.tail is not None:
        client.finish(reply.unsent + (reply.tail.close() if reply.ending == "completed" else b""))
    else:
        headers = () if reply.error is None else error_headers(reply.error)
        client.respond(reply.status, reply.unsent, headers)
    log.info("call", **log_fields(settled.record))


def deliver_failure(reply: Reply, error: Unavailable, client: Client) -> None:
    """Tell the client that its answer could not be settled, in place of the answer's end."""
    if reply.tail is None:
        received = reply.routed.asked.identified.received
        refuse(error, received.codec, received.call_id, client)
    elif reply.error is None:
        client.finish(reply.tail.fail(error))
    else:
        client.finish(reply.unsent)
