"""Control plane: what people manage and look at, by SQLAlchemy Core on both engines; never on the path of a call."""
