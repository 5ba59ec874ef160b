"""Environment: Alembic runs this file; `migrate` has opened the connection and begun the transaction."""

from alembic import context

from setaria.adapters.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
