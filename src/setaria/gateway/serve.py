"""Serve: one API call from its credentials to its receipt; read this first."""

from setaria.core.errors import InternalError, SetariaError
from setaria.gateway.ask import ask
from setaria.gateway.authenticate import authenticate
from setaria.gateway.defect import locate_defect
from setaria.gateway.deliver import deliver
from setaria.gateway.forward import forward
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client, ClientGone
from setaria.gateway.record import log_fields
from setaria.gateway.refuse import refuse
from setaria.gateway.route import route
from setaria.gateway.settle import settle
from setaria.gateway.stages import Received


async def serve(received: Received, client: Client, platform: Platform) -> None:
    """Answer one call; a refused one gets its error in its own protocol and leaves no row."""
    try:
        identified = await authenticate(received, platform.keys)
        asked = await ask(identified, client, platform.catalog)
        routed = route(asked, platform.upstreams)
        reply = await forward(routed, client, platform)
        receipt = await settle(reply, client, platform)
        deliver(receipt, client)
        platform.log.info("call", **log_fields(receipt.record))
    except ClientGone:
        platform.log.info("client_gone_early", call=received.call_id)
    except SetariaError as error:
        status = refuse(error, received.codec, received.call_id, client)
        platform.log.info(
            "refused", call=received.call_id, status=status, error=type(error).__name__, param=error.param
        )
    except Exception as error:  # API entry: a defect is told as one, and never ends the process
        platform.log.error("defect", call=received.call_id, error=locate_defect(error))
        refuse(
            InternalError("the platform failed on this call; it was logged"), received.codec, received.call_id, client
        )
