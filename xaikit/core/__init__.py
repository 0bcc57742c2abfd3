"""What everything stands on: samples, features, targets, the question and its evaluations."""
