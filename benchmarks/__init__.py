"""What Ripple costs against a floor or a peer, and how near it comes to known truth: see `make help`."""
