"""Domain: the rules, a room for each subject; a room never imports another."""
