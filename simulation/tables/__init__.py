"""The tables a company would have of a simulated world, and the files that hold them."""
