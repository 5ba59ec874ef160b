"""Gateway: the story of one API call, stage by stage."""
