"""The loop, its state, checkpoints and named random streams."""
