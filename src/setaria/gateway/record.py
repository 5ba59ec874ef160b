"""Record: a call's row, and its line in the log."""

from setaria.core.clock import Clock
from setaria.core.usage import Usage
from setaria.domain.ledger.records import CallRecord
from setaria.gateway.hold import Bill
from setaria.gateway.stages import Reply


def record_of(reply: Reply, usage: Usage, bill: Bill, oddity: str, clock: Clock) -> CallRecord:
    """Write down what the call took, as of now."""
    asked = reply.routed.asked
    received = asked.identified.received
    caller = asked.identified.caller
    admitted = reply.routed.admitted
    lane = caller.lane
    return CallRecord(
        id=received.call_id,
        at_ms=admitted.hold.at_ms,
        account_id=caller.account_id,
        key_id=caller.key_id,
        model=asked.model.id,
        protocol=received.codec.name,
        upstream=reply.upstream,
        stream=asked.envelope.stream,
        status=reply.status,
        ending=reply.ending,
        counts_from=reply.counts_from,
        usage=usage,
        charge_nano=bill.amount if lane == "payg" else 0,
        first_token_ms=reply.first_token_ms,
        duration_ms=round((clock.monotonic_s() - received.started_s) * 1000),
        attempts=reply.attempts,
        lane=lane,
        subscription_id=caller.subscription_id,
        charge_millicredits=bill.amount if lane == "plan" else 0,
        price_id=admitted.price_id,
        charges=bill.charges,
        note=oddity,
    )


def log_fields(record: CallRecord) -> dict[str, object]:
    """Give the row as the fields of a log line."""
    usage = record.usage
    return {
        "call": record.id,
        "account": record.account_id,
        "key": record.key_id,
        "model": record.model,
        "protocol": record.protocol,
        "upstream": record.upstream,
        "stream": record.stream,
        "status": record.status,
        "ending": record.ending,
        "counts_from": record.counts_from,
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "charge_nano": record.charge_nano,
        "charge_millicredits": record.charge_millicredits,
        "first_token_ms": record.first_token_ms,
        "duration_ms": record.duration_ms,
    }
