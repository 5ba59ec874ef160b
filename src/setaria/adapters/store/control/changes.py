"""Changes: the counter by which every worker learns that what it has cached is old."""

from sqlalchemy import Connection, update

from setaria.adapters.store.schema import changes


def count_change(connection: Connection) -> None:
    """Count up the change counter; workers see it when the transaction has committed."""
    connection.execute(update(changes).values(counter=changes.c.counter + 1))
