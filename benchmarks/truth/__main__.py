"""What `make truth` runs, see `run`."""

from benchmarks.truth.run import main

if __name__ == "__main__":
    main()
