"""Management: what people do, one function an action."""
