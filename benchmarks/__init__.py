"""Side by side in one run: xaikit, the passes its answers need, and captum, lime, shap and shapiq.

python -m benchmarks [PART ...] [--quick] [--device cpu|cuda] [--json FILE] [--write]
"""
