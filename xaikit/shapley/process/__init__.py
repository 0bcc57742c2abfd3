"""The default estimator: a Gaussian process on the odd part of the game.

estimator.py     fits the prior, takes the posterior, widens its error bars
model.py, integrals.py, posterior.py        prior and fit, integrals, error bars
placement.py     which pairs tell it most
pairs.py         evaluated pairs: odd and even part of the game
"""
