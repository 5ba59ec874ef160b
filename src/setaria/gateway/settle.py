"""Settle: put the call on the books, once, whatever its ending; it is durable when this returns."""

import msgspec

from setaria.core.errors import Unavailable
from setaria.domain.ledger.records import CallRecord
from setaria.gateway.deliver import deliver_failure
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.record import record_of
from setaria.gateway.stages import Receipt, Reply

SETTLEMENT_DELAYED = 503
RETRY_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


async def settle(reply: Reply, client: Client, platform: Platform) -> Receipt:
    """Write the call's row.

    While the store is away the client is told at once that its answer could not be settled, which the row then says
    too, and the row is tried again for half a minute; a row that was not written, for whatever reason, goes to the
    log, whole.

    Raises: Unavailable when the row was never written.
    """
    record = record_of(reply, platform.clock)
    receipt = None
    try:
        receipt = await _write(record, reply, client, platform)
    finally:
        if receipt is None:
            platform.meter.count_lost_settlement()
            platform.log.error("settlement_lost", **msgspec.structs.asdict(record))
    platform.meter.count_call(receipt.record, reply.routed.asked.identified.received.parent)
    return receipt


async def _write(record: CallRecord, reply: Reply, client: Client, platform: Platform) -> Receipt:
    try:
        await platform.ledger.record(record)
    except Unavailable as error:
        deliver_failure(reply, error, client)
        record = msgspec.structs.replace(record, status=SETTLEMENT_DELAYED)
    else:
        return Receipt(reply=reply, record=record, is_late=False)
    for pause_s in RETRY_PAUSES_S:
        platform.log.warning("settlement_delayed", call=record.id, retry_in_s=pause_s)
        await platform.clock.sleep(pause_s)
        try:
            await platform.ledger.record(record)
        except Unavailable:
            continue
        return Receipt(reply=reply, record=record, is_late=True)
    raise Unavailable("the call could not be settled", retry_after_s=1)
