"""`python -m outcry` is `outcry`."""

from outcry.start import main

if __name__ == "__main__":
    main()
