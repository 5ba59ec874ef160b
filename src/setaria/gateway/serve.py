"""Serve: one API call from its credentials to its receipt; read this first."""

from setaria.gateway.admit import admit
from setaria.gateway.announce import announce
from setaria.gateway.ask import ask
from setaria.gateway.authenticate import authenticate
from setaria.gateway.deliver import deliver
from setaria.gateway.forward import forward
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.route import route
from setaria.gateway.settle import settle
from setaria.gateway.stages import Received


async def serve(received: Received, client: Client, platform: Platform) -> None:
    """Answer one call and put it on the books.

    Raises: SetariaError when the call is refused; it leaves no row, and whoever called tells the client.
        ClientGone when the client left before its request was whole.
    """
    identified = await authenticate(received, platform)
    asked = await ask(identified, client, platform)
    admitted = await admit(asked, platform)
    with admitted.hold:  # what is not settled goes back
        announce(admitted, client)
        routed = route(admitted, platform)
        reply = await forward(routed, client, platform)
        settled = await settle(reply, client, platform)
    deliver(settled, client, platform.log)
