"""Settle: put the call on the books, once, whatever its ending; it is durable when this returns."""

import msgspec

from setaria.core.errors import Unavailable
from setaria.gateway.deliver import deliver_failure
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.record import record_of
from setaria.gateway.stages import Reply, Settled
from setaria.gateway.truth import check_usage


async def settle(reply: Reply, client: Client, platform: Platform) -> Settled:
    """Pay for the call, give back what it did not need, and write its row.

    While the books are away it is kept in the spool, which is as durable, and put on the books later. What can't even
    be kept there goes to the log, whole, and the client is told that its answer could not be settled.

    Raises: Unavailable when the call could not be kept.
    """
    hold = reply.routed.admitted.hold
    usage, oddity = check_usage(reply)
    bill = hold.settle(usage)
    record = record_of(reply, usage, bill, oddity, platform.clock)
    is_kept = False
    try:
        try:
            outcome = await platform.ledger.record(record, bill.debits, oddity)
        except Unavailable:
            platform.log.warning("settlement_spooled", call=record.id)
            await platform.spool.keep(record, bill.debits, oddity)
        else:
            if outcome == "quarantined":
                hold.refund()
        is_kept = True
    except Unavailable as error:
        deliver_failure(reply, error, client)
        raise
    finally:
        if not is_kept:
            platform.meter.count_lost_settlement()
            platform.log.error("settlement_lost", **msgspec.structs.asdict(record))
    platform.meter.count_call(record, reply.routed.asked.identified.received.parent)
    return Settled(reply=reply, record=record)
