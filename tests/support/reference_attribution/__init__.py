"""The label once more, in plain Python: slow, and meant to be read with docs/method.md.

Tables are lists of dicts; the strata are given. Every adopter is compared with all others at risk in the
stratum, as the label does where `credit.controls` is large. Sums of contacts and of money are of numbers with
six decimals, as everywhere in Ripple.
"""
