"""Bugs that the suite must catch: each is planted in a copy of the package, and a test must fail.

Run all: python tests/mutations.py
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLACES = multiprocessing.get_context("forkserver")  # what is slow to import is imported once
PLACES.set_forkserver_preload(["captum", "matplotlib.pyplot", "shap", "sklearn.pipeline", "torch"])
TOLD = 100  # exit status of a process that pytest ended in, and not an error before it


@dataclass(frozen=True)
class Mutation:
    """Replace `old` by `new` (once) in a file of the package; one of `tests` must then fail."""

    file: str
    old: str
    new: str
    tests: str


CONTRACT = "tests/test_contract.py"
SAID = "tests/tasks/test_tasks_sequence.py"
AUDIO = "tests/modality/test_modality_audio.py"
CHOOSING = "tests/tasks/test_tasks_choosing.py"
DETECTION = "tests/tasks/test_tasks_detection.py"
REGIONS = "tests/tasks/test_tasks_segmentation.py"
GENERATION = "tests/tasks/test_tasks_generation.py"
SERIES = "tests/tasks/test_tasks_series.py"
BROUGHT = "tests/tasks/test_tasks_own.py"
ANNOTATED = "tests/data/test_data_annotated.py"
ESTIMATORS = "tests/estimators"
GRADIENT = "tests/methods/test_methods_gradient.py"
CAM = "tests/methods/test_methods_cam.py"
ATTENTION = "tests/methods/test_methods_attention.py"
FEW = "tests/methods/test_methods_few.py"
LIME = "tests/methods/test_methods_surrogate.py"
REMEDIES = "tests/models/test_models_remedies.py"
REMOVAL = "tests/metrics/test_metrics_removal.py"
AGREEMENT = "tests/metrics/test_metrics_agreement.py"
PLAUSIBILITY = "tests/metrics/test_metrics_plausibility.py"
ACTIVATIONS = "tests/models/test_models_activation_cache.py"
CACHE = "tests/test_cache.py"
OVERVIEW = "tests/study/test_overview.py"
OVER = "tests/report/test_report_overview.py"
VERDICT = "tests/metrics/test_metrics_verdict.py"
STATS = "tests/metrics/test_metrics_stats.py"
STUDY = "tests/study/test_study_measures.py"
RUNS = "tests/study/test_run_files.py"
FACTS = "tests/study/test_study_facts.py"
COMPARE = "tests/study/test_compare.py"
COMPARED = "tests/study/test_compare_folds.py"
PARTS = "tests/study/test_compare_parts.py"
QUALITY = "tests/study/test_quality.py"
RULE = "tests/metrics/test_rule.py"
SHEET = "tests/report/test_report_comparison.py"
SPLITS = "tests/models/test_models_training_splits.py"
RULES = "tests/metrics/test_verdict_rules.py"
REFIT = "tests/models/test_models_refit.py"
SANITY = "tests/metrics/test_metrics_sanity.py"
ROWS = "tests/data/test_data_rows.py"
WORDS = "tests/test_cli_words.py"
NUMBERS = "tests/report/test_report_numbers.py"
SENTENCES = "tests/report/test_report_words.py"
ESCAPES = "tests/report/test_report_escapes.py"
THREADS = "tests/models/test_models_threads.py"
INPLACE = "tests/models/test_models_cam_inplace.py"
DTYPES = "tests/models/test_models_dtypes.py"
VIDEOS = "tests/modality/test_modality_video.py"
PARTS = "tests/modality/test_modality_parts.py"
FRAMES = "tests/models/test_models_frames.py"
TABULAR = "tests/modality/test_modality_tabular.py"
OUTPUTS = "tests/models/test_models_outputs.py"
BATCH = "tests/models/test_models_batch.py"
DOOR = "tests/models/test_models_front_door.py"
EVIDENCE = "tests/estimators/test_estimator_evidence.py"
TEXTS = "tests/test_text_as_written.py"
TASKS = "tests/tasks/test_tasks.py"
FOLDERS = "tests/core/test_folders.py"
TWO_TEXTS = "tests/models/test_models_pairs.py"
WORD_HEADS = "tests/models/test_models_word_heads.py"
PICTURES = "tests/models/test_models_hf_pictures.py"
ORDER = "tests/data/test_data_order.py"
FORMS = "tests/data/test_data_forms.py"
HOSTILE = "tests/test_hostile.py"
EXACT = "tests/methods/test_methods_exact.py"
BLOCKS = "tests/study/test_blocks.py"
ANSWERS = "tests/core/test_explanations.py"
FLIPS = "tests/study/test_counterfactual.py"
INDICES = "tests/estimators/test_estimator_interactions.py"
GIVEN = "tests/modality/test_modality_given.py"
OCCLUSION = "tests/methods/test_methods_removal.py"
ONNX = "tests/models/test_models_onnx.py"
KEPT = "tests/models/test_models_remembered.py"
FOREIGN = "tests/methods/test_methods_foreign.py"
NOISY = "tests/methods/test_methods_noisy.py"
OWN = "tests/study/test_own_question.py"
PAIRS = "tests/study/test_interactions.py"
LAYERS = "tests/study/test_layers.py"
FINDINGS = "tests/study/test_findings.py"
CASE = "tests/report/test_report_case.py"
PAGED = "tests/study/test_page_facts.py"

REFINING = "tests/study/test_refining.py"

MUTATIONS = (
    # remedies
    Mutation("models/transfer.py", "            module.eval()\n", "            pass\n", REMEDIES + "::test_a_frozen_net_keeps_every_number_but_those_of_its_new_head"),
    Mutation("models/training.py", "begun.inputs if begun else reading_of", "reading_of", REMEDIES + "::test_a_net_that_begins_with_another_of_the_same_classes_answers_as_it_does"),
    Mutation("models/distillation.py", "SOFT * temperature**2 * near", "SOFT * temperature * near", REMEDIES + "::test_the_loss_of_a_student_is_that_of_the_paper"),
    Mutation("models/compress.py", "prune.L1Unstructured", "prune.RandomUnstructured", REMEDIES + "::test_a_pruned_net_has_exactly_that_share_of_zeros_and_keeps_the_largest"),
    Mutation("models/ensembles.py", "return each.log_softmax(2).logsumexp(0)", "return each.logsumexp(0)", REMEDIES + "::test_probabilities_are_averaged_where_it_is_asked_or_a_forest_is_in"),
    Mutation("study/difference.py", 'return "farther" if high < 0', 'return "farther" if high > 0', "tests/study/test_difference.py::test_a_difference_is_read_beside_another_seed_and_an_untrained_net"),
    # what comes next
    Mutation("tasks/choosing.py", "before = (scores >= own[:, None]).sum(axis=1) - 1", "before = (scores > own[:, None]).sum(axis=1)", CHOOSING + "::test_hits_are_those_counted_by_hand"),
    Mutation("tasks/choosing.py", ".mean() / np.log(2))", ".mean())", CHOOSING + "::test_bits_are_the_surprise_at_the_word_that_came"),
    Mutation("models/baselines.py", "counts[[places[str(item)] for item in set(x)], label] += 1", "counts[places[str(x[-1])], label] += 1", CHOOSING + "::test_co_occurrence_knows_the_pair_and_not_its_order"),
    Mutation("data/sessions.py", "found.pop(name, [])", "found.get(name, [])", CHOOSING + "::test_a_session_that_goes_on_longest_is_measured_though_it_began_first"),
    Mutation("data/sessions.py", "order = np.argsort(when, kind=\"stable\")", "order = np.arange(len(when))", CHOOSING + "::test_rows_are_put_in_the_order_of_their_time"),
    Mutation("report/answers.py", "for i in sorted(strong))", "for i in strong[:1])", CHOOSING + "::test_both_items_and_no_decoy_are_named_of_a_known_rule"),
    # a text for a text
    Mutation("tasks/sequence.py", "(best == 0, axis=1) - (best == 0) > 0", "(best == 0, axis=1) > 0", SAID + "::test_the_numbers_are_log_probabilities_by_hand"),
    Mutation("models/function_model.py", "*(() if told is None else (told,))", "*()", SAID + "::test_each_token_comes_from_its_word"),
    Mutation("tasks/sequence.py", "said[:t].tolist()) for source", "said[: t + 1].tolist()) for source", SAID + "::test_masked_samples_are_read_at_what_the_whole_one_was_told"),
    Mutation("models/zoo/encoder_decoder.py", "torch.cat([before, said[:, :-1]], dim=1)", "said", SAID + "::test_a_net_says_the_likeliest_token_and_is_told_those_before"),
    Mutation("report/answers_texts.py", "gains.sum(axis=1, keepdims=True)", "gains.sum(axis=0, keepdims=True)", SAID + "::test_the_page_says_what_was_said_and_where_each_token_comes_from"),
    Mutation("data/pairs.py", '(("day", "D"), ("month", "M")', '(("day", "M"), ("month", "D")', SAID + "::test_dates_are_said_right_and_no_test_date_was_learned"),
    Mutation("models/neural.py", "said=model.said(len(at))", "said=None", SAID + "::test_words_left_out_are_read_at_what_was_told_too"),
    # many features, found coarse to fine
    Mutation("study/refining.py", "yield way, start ^ done", "yield way, done", REFINING + "::test_effects_that_cancel_within_a_block_are_seen"),
    Mutation("study/refining.py", "steps[order] = np.diff(", "steps[order[::-1]] = np.diff(", REFINING + "::test_the_effect_of_columns_that_add_is_their_weight_squared"),
    Mutation("study/refining.py", "key=lambda b: -effects[b]", "key=lambda b: effects[b]", REFINING + "::test_the_strongest_are_opened_first_and_single_places_never"),
    Mutation("study/refining.py", "masker=_few(question.masker), ", "", REFINING + "::test_the_search_asks_few_references_and_no_more_than_it_says"),
    Mutation("modalities/text.py", "inside = [s for s in near if first < s < end]", "inside: list[int] = []", REFINING + "::test_words_that_matter_stand_alone_and_blocks_follow_sentences"),
    Mutation("modalities/text.py", "return sorted({0, *first[first < len(text)].tolist(), *parts})", "return sorted({0, *parts})", "tests/modality/test_modality_text.py::test_sentences_are_those_of_unicode"),
    Mutation("report/text_case.py", "inner = run[first : len(run) - last]", "inner = run[first:]", "tests/report/test_report_refined.py::test_long_runs_of_what_stays_and_of_what_goes_are_folded"),
    Mutation("study/own.py", "spans[:, 0], side=\"right\")", "spans[:, 1], side=\"right\")", "tests/study/test_tokens.py::test_marked_words_mark_their_tokens"),
    # what a page says first
    Mutation("judge/errors.py", "least = np.minimum.accumulate(p[order[::-1]], axis=0)[::-1]", "least = p[order]", FINDINGS + "::test_a_correction_is_over_all_that_was_tried"),
    Mutation("judge/errors.py", "np.where(sure >= SURE, far, np.nan)", "far", FINDINGS + "::test_sure_errors_on_samples_unlike_the_training_rows"),
    Mutation("judge/errors.py", "Asked(what, of[known])", "Asked(what, of[: known.sum()])", FINDINGS + "::test_samples_without_a_label_count_on_neither_side"),
    Mutation("judge/errors.py", "np.searchsorted(ends, column, side=\"left\"))", "np.searchsorted(ends, -column, side=\"left\"))", FINDINGS + "::test_errors_that_gather_are_named_with_their_counts"),
    Mutation("judge/shares.py", "np.maximum(self.values, 0)", "np.abs(self.values)", FINDINGS + "::test_a_region_is_judged_by_what_speaks_for_the_answer"),
    Mutation("judge/shares.py", "row[: cut.n_features] *= cut.sizes", "pass", FINDINGS + "::test_relative_values_are_means_over_the_places_of_a_feature"),
    Mutation("judge/shares.py", "(margin > 0) & ", "", FINDINGS + "::test_an_answer_that_is_no_more_likely_than_not_cannot_be_turned"),
    Mutation("judge/shares.py", "(ahead >= SURVIVES).all()", "True", FINDINGS + "::test_a_place_among_the_top_must_survive_resampling"),
    Mutation("judge/shares.py", "self.mean >= 1.2 * self.expected", "True", FINDINGS + "::test_a_region_that_is_nearly_everything_is_not_the_main_thing"),
    Mutation("judge/shortcuts.py", " or here < TELLING * there", "", FINDINGS + "::test_words_with_much_of_the_evidence_wherever_they_stand_are_named"),
    Mutation("judge/shortcuts.py", "for mark in marks])) >= 0.25", "for mark in marks])) > 1", FINDINGS + "::test_a_corner_that_the_data_mark_is_no_shortcut"),
    Mutation("judge/shortcuts.py", "None if every else spot.answer", "None", FINDINGS + "::test_a_corner_that_gives_one_class_or_all_away"),
    Mutation("judge/findings.py", "np.where(seen.answers == 1, 1.0, -1.0)", "np.ones(len(x))", FINDINGS + "::test_columns_that_stand_out_are_named_with_what_the_strongest_speaks_for"),
    Mutation("judge/findings.py", "if low(gains) > 0:", "if gains.mean() > 0:", FINDINGS + "::test_a_model_that_is_no_better_than_one_answer_says_so_first"),
    Mutation("study/run.py", "run, shown = self.measured, self.choice().shown", "run, shown = self, self.choice().shown", FINDINGS + "::test_a_run_without_an_overview_is_told_by_its_own_samples"),
    # a person's own question
    Mutation("study/own.py", "np.maximum(ids.reshape(labels.shape) - n_kept, -1)", "ids.reshape(labels.shape)", OWN),
    Mutation("study/own.py", "if owner[place] >= 0:", "if False:", OWN),
    Mutation("study/plan.py", "replace(plan, target=each[i])", "replace(plan, target=each[0])", OWN),
    Mutation("study/plan.py", "return cut_alike and not callable(masker)", "return cut_alike", OWN),
    Mutation("study/bulk.py", "target=each[start : start + PART]", "target=each[:PART][: len(some)]", OWN),
    # removal given what is kept
    Mutation("modalities/given.py", "(x[mask] - self.draws[:, mask]) @", "(0 * x[mask] - self.draws[:, mask]) @", GIVEN),
    Mutation("modalities/given.py", "np.concatenate([spread, -spread])", "np.concatenate([spread, spread])", GIVEN),
    Mutation("modalities/given.py", "np.where(self.coded | gone | mine,", "np.where(gone | mine,", GIVEN),
    Mutation("core/question.py", "and self.masker.given is None", "", GIVEN),
    Mutation("methods/shap.py", "if questions.maskers[0].given is not None:", "if False:", GIVEN),
    Mutation("study/study.py", "known = kind.given if question.masker.given is not None else (*usual, *kind.maskers)", "known = kind.maskers", GIVEN),
    # windows that slide
    Mutation("methods/removal.py", "{*range(0, n - side + 1, step), n - side}", "{*range(0, n - side + 1, step)}", OCCLUSION),
    Mutation("methods/removal.py", "np.maximum(times, 1)", "np.maximum(times.max(), 1)", OCCLUSION),
    Mutation("methods/removal.py", "removable = segmentation.ids >= 0", "removable = segmentation.ids >= -1", OCCLUSION),
    # graphs and functions of others
    Mutation("models/onnx.py", "np.moveaxis(x, -1, 1)", "x.reshape(len(x), -1, *x.shape[1:-1])", ONNX),
    Mutation("models/onnx.py", "[: len(part)])", "[-len(part) :])", ONNX),
    Mutation("models/onnx.py", "x - np.asarray(self.mean)", "x + np.asarray(self.mean)", ONNX),
    Mutation("models/remembered.py", "{x.dtype}\\0{x.shape}", "", KEPT),
    Mutation("models/remembered.py", "[known[key] for key in keys]", "[known[key] for key in sorted(keys)]", KEPT),
    # explainers of other packages
    Mutation("methods/foreign.py", "values[..., index]", "values[..., -1 - index]", FOREIGN),
    Mutation("methods/foreign.py", "same = bool(sums and (start is None or", "same = bool(sums or (start is None or", FOREIGN),
    Mutation("methods/foreign.py", "if model is not self.model:", "if False:", FOREIGN),
    Mutation("methods/foreign.py", "module.training = False", "pass", FOREIGN),
    Mutation("methods/foreign.py", "np.random.set_state(before)", "pass", FOREIGN),
    Mutation("methods/foreign.py", "torch.stack(each).mean(dim=0)", "torch.stack(each)[0]", FOREIGN),
    Mutation("methods/foreign.py", "found.random_state = np.random.RandomState(seed)", "pass", FOREIGN),
    # noise around a method, and a layer's own way
    Mutation("methods/noisy.py", "pairs.std(axis=0, ddof=1) / np.sqrt(len(half))", "pairs.std(axis=0, ddof=1)", NOISY),
    Mutation("methods/noisy.py", "(self.noise * spread)", "self.noise", NOISY),
    Mutation("methods/cam.py", "(nodes + 1) / 2, weights / 2)", "(nodes + 1) / 2, weights)", CAM),
    Mutation("methods/cam.py", "(total / len(bases))", "total", CAM),
    Mutation("models/cam_layer.py", "joined = cells.join(at.to(tensor), tensor)", "joined = tensor", CAM),
    # interactions: what a set gets, of whom, and how sure
    Mutation("shapley/interactions.py", "return Fraction(1, t - s + 1)", "return Fraction(1, t - s + 2)", INDICES),
    Mutation("shapley/interactions.py", "return -total if b % 2 else total", "return total", INDICES),
    Mutation("shapley/interactions.py", "_bernoulli(j) * Fraction", "Fraction", INDICES),
    Mutation("shapley/interactions.py", "size, scale))[::-1]", "size, scale))", INDICES),
    Mutation("shapley/interactions.py", "* (1 - count / cap) / count", "/ count", INDICES),
    Mutation("shapley/interactions.py", "slopes = slopes - 2 * (square[1:] @ both)", "pass", INDICES),
    Mutation("methods/tree_terms.py", "features[x & ~own], features[own & ~x]", "features[own & ~x], features[x & ~own]", PAIRS),
    Mutation("methods/tree_terms.py", "if not held[player < 0].all():", "if False:", PAIRS),
    Mutation("core/interactions.py", "sorted(self.names", "(self.names", PAIRS),
    # many samples at once: each keeps its own
    Mutation("core/questions.py", "(self, name)[rows] = ", "(self, name)[:] = ", BLOCKS),
    Mutation("core/explanations.py", 'extras=every("extras"),', "", ANSWERS),
    Mutation("core/explanations.py", 'target_names=every("target_names"),', "", ANSWERS),
    Mutation("core/explanations.py", "notes=_few(part.notes),", "", ANSWERS),
    Mutation("core/explanations_file.py", "start += size", "start = size", ANSWERS),
    Mutation("core/explanations_file.py", "which = arrays[\"cut\"].astype(np.int64)", "which = np.arange(n) % 2", ANSWERS),
    Mutation("core/explanations_file.py", "target_names=_names(record, arrays),", "", ANSWERS),
    Mutation("core/target.py", "[np.array([places[t] for t in part.distinct])[part.which] for", "[part.which for", ANSWERS),
    Mutation("core/many.py", "one_by_one and all(", "all(", ANSWERS),
    Mutation("core/explanations_file.py", "held.ndim != 1 or held.dtype.kind not in kinds", "held.ndim != 1", ANSWERS),
    Mutation("study/given.py", "list(given) if isinstance(given, Iterator) else given", "given", BLOCKS),
    Mutation("methods/path.py", " or cut.ids.min() < 0", "", BLOCKS),
    Mutation("methods/path.py", "bases.mean(dim=1)", "bases.mean(dim=(0, 1))", BLOCKS),
    Mutation("methods/gradient.py", "fold(total[asked], asked)", "fold(total[asked], torch.arange(len(asked)))", BLOCKS),
    Mutation("methods/shap.py", "{places[i]: reason for", "{i: reason for", BLOCKS),
    Mutation("methods/shap.py", ", cut.ids.tobytes()), [])", "), [])", BLOCKS),
    Mutation("study/plan.py", "and _background(model, plan) is not None", "", BLOCKS),
    Mutation("study/plan.py", "if np.isfinite(scores).all():", "if False:", BLOCKS),
    Mutation("study/plan.py", '"memory", "precision", "shortcuts")', '"memory", "shortcuts")', BLOCKS),
    Mutation("study/given.py", "x / 255 if kind.channels and", "x / 255 if", BLOCKS),
    Mutation("study/given.py", ' or values.dtype.kind in "biuf"', "", BLOCKS),
    Mutation("study/bulk.py", "make_block(model, some, own), seed=seed)", "make_block(model, some, own))", BLOCKS),
    Mutation("app/cli.py", '"all" if values else "16"', '"8"', BLOCKS),
    Mutation("app/explaining.py", 'tolerance=limits["tolerance"]', "tolerance=None", BLOCKS),
    Mutation("app/explaining.py", "Plan(**question, **kept)", "Plan(**kept)", BLOCKS),
    Mutation("app/explaining.py", "plan=plan, seed=seed, progress", "plan=plan, progress", BLOCKS),
    # what would have changed the answer
    Mutation("study/flip/removal.py", "for size in range(2, end):", "for size in range(3, end):", FLIPS),
    Mutation("study/flip/removal.py", "return best, False", "return best, True", FLIPS),
    Mutation("study/flip/removal.py", "if not turned.any() or len(at) == 1:", "if True:", FLIPS),
    Mutation("study/flip/asked.py", "_in_passes(~removed,", "_in_passes(removed,", FLIPS),
    Mutation("study/flip/change.py", "(found > x[j]) | ~up[j]", "(found < x[j]) | ~up[j]", FLIPS),
    Mutation("study/flip/change.py", "in np.flatnonzero(~fixed)", "in range(len(fixed))", FLIPS),
    Mutation("study/flip/change.py", "return not (a <= b or b <= a)", "return a != b", FLIPS),
    Mutation("study/flip/change.py", "pick = best[best >= 0]", "pass", FLIPS),
    Mutation("study/flip/change.py", "ways &= np.isin(found, list(codes)) | np.isnan(found)", "pass", FLIPS),
    Mutation("study/flip/decision.py", "!= self.held", "== self.held", FLIPS),
    # the waist: masks, pooling, targets
    Mutation("core/features.py", "padded[:, self.ids]", "~padded[:, self.ids]", CONTRACT),
    Mutation("core/features.py", "[self.ids]\n", "[np.roll(self.ids, 1)]\n", CONTRACT),
    Mutation("core/features.py", "self._bins + (n + 1)", "np.roll(self._bins, 1) + (n + 1)", CONTRACT),
    Mutation("core/features.py", 'if how == "sum" else total', 'if how == "mean" else total', CONTRACT),
    Mutation("core/target.py", "if j != self.index]", "if j != 0]", CONTRACT),
    Mutation("core/target.py", "0.5 * (1 + np.tanh(odds / 2))", "0.5 * (1 + np.tanh(odds))", CONTRACT),
    Mutation("core/question.py", "return total / k", "return total", CONTRACT),
    Mutation("core/question.py", "np.where(kept[:, None], x, part)", "np.where(kept[:, None], part, x)", CONTRACT),
    Mutation("core/question.py", "key = [seed, zlib.crc32(stream.encode())", "key = [seed, 0", CONTRACT),
    # exact values of blocks
    Mutation("methods/trees.py", "found[p, q] = 1 / (p * comb(p + q, p))", "found[p, q] = 1 / (p * comb(p + q + 1, p))", EXACT),
    Mutation("methods/trees.py", "phi[i, j] += up if side[j] > 0 else -down", "phi[i, j] += up if side[j] > 0 else down", EXACT),
    Mutation("methods/trees.py", "if j < 0 or side[j] > 0 or apart == 0:", "if side[j] > 0 or apart == 0:", EXACT),
    Mutation("methods/trees.py", "return phi / len(references)", "return phi / min(len(references), WORD)", EXACT),
    Mutation("methods/trees.py", "np.isnan(values) | (told < 0)", "np.isnan(values)", EXACT),
    Mutation("methods/exact.py", "values[places] = found.values", "values[places[::-1]] = found.values", EXACT),
    Mutation("methods/exact.py", "parts *= weights", "parts *= np.abs(weights)", EXACT),
    Mutation("methods/exact.py", "_require_answers(model, form, rows, references, target, ids)", "pass", EXACT),
    Mutation("methods/exact.py", "max(SURE * np.ptp(theirs), TOLERANCE)", "np.inf", EXACT),
    Mutation("methods/shap.py", "places[i]: reason for i, reason in exact", "places[0]: reason for i, reason in exact", EXACT),
    Mutation("models/wiring.py", "taken[_owners(inner, len(taken))]", "taken[0]", EXACT),
    Mutation("models/tree_sums.py", "rate = 2 * rate", "rate = rate", EXACT),
    Mutation("models/linear_sums.py", "<= EXACT * size).all()", "<= EXACT * size).any()", EXACT),
    Mutation("models/estimator_model.py", "if kept is None or kept[0] is not fitted:", "if kept is None:", EXACT),
    # the engine
    Mutation("shapley/kept.py", "known.move_to_end(key)", "pass", ESTIMATORS + "/test_estimator_kept.py"),
    Mutation("shapley/kept.py", "if numbers <= room:", "if True:", ESTIMATORS + "/test_estimator_kept.py"),
    Mutation("shapley/threads.py", "with _ALONE:", "if True:", ESTIMATORS + "/test_estimator_threads.py"),
    Mutation("shapley/threads.py", "limits=1)", "limits=2)", ESTIMATORS + "/test_estimator_threads.py"),
    Mutation("core/batching.py", "np.empty(32 * 2**20 - 2**16, dtype=np.uint8)", "pass", "tests/test_engine.py"),
    Mutation("models/grids.py", "        if self.apart:", "        if False:", "tests/models/test_models_wrap.py"),
    Mutation("models/shortcuts/receptive_field.py", "self.first - axis.before * self.step", "self.first", ACTIVATIONS),
    Mutation("models/shortcuts/receptive_field.py", "if n <= self.limit and oldest >= n", "if n <= self.limit", ACTIVATIONS),
    Mutation("models/shortcuts/local_coalitions.py", "free[0] if len(free) else len(taken)", "0", ACTIVATIONS),
    Mutation("models/shortcuts/local_coalitions.py", "np.append(0, np.cumsum(2**many)[:-1])", "np.cumsum(2**many) - 2**many[0]", ACTIVATIONS),
    Mutation("models/shortcuts/activation_cache.py", "[rows, None] * p.n_tiles", "[rows, None] * 0", ACTIVATIONS),
    Mutation("models/shortcuts/__init__.py", "bool(off <= ALIKE", "bool(off <= np.inf or ALIKE", ACTIVATIONS),
    Mutation("core/cache.py", "other, found[:, column])", "other, found[:, 0])", CACHE),
    Mutation("core/cache.py", "self._memories.get(target)", "next(iter(self._memories.values()), None)", CACHE),
    Mutation("core/memory.py", "padded[:, :n] = masks", "padded[:, :64] = masks[:, :64]", ESTIMATORS + "/test_estimator_memory.py"),
    Mutation("core/memory.py", "values[found.rows])", "values)", ESTIMATORS + "/test_estimator_memory.py"),
    Mutation("shapley/design.py", "masks = masks[np.sort(first)]", "masks = masks[:]", ESTIMATORS + "/test_estimator_design.py"),
    Mutation("shapley/api.py", "values=estimate.values[place]", "values=estimate.values", ESTIMATORS + "/test_estimator_api.py"),
    Mutation("shapley/api.py", "std=estimate.std[place]", "std=estimate.std", ESTIMATORS + "/test_estimator_api.py"),
    Mutation("methods/lime.py", "slopes=line.slopes[place]", "slopes=line.slopes", LIME),
    Mutation("methods/lime.py", "std=line.std[place]", "std=line.std", LIME),
    Mutation("methods/weighted_lines.py", "2 * share * a * b", "share * a * b", LIME),
    Mutation("shapley/regression.py", "inverse[stop:, start:stop].T", "0", ESTIMATORS + "/test_estimator_peers.py"),
    Mutation("methods/few.py", " - share * beyond", "", FEW),
    Mutation("methods/few.py", "[1, 1 + len(drawn)]", "[1, len(drawn)]", FEW),
    Mutation("core/question.py", "range(reference, reference + 1)", "range(0, 1)", FEW),
    Mutation("models/composing.py", "other.compose(own", "others[0].compose(own", CACHE),
    Mutation("models/composing.py", "(0, 1), value=1.0", "(0, 1), value=0.0", "tests/models/test_models_neural.py"),
    Mutation("core/batching.py", "min(self.rows, rows // 2)", "min(self.rows, rows // 4)", "tests/test_engine.py"),
    Mutation("methods/packing.py", 'getattr(question.bound, "full", question.bound)', "question.bound", ACTIVATIONS),
    # estimators
    Mutation("shapley/exact.py", "joined = np.append(0.0, weights)", "joined = np.append(weights, 0.0)", ESTIMATORS + "/test_estimator_exact.py"),
    Mutation("shapley/pairs.py", "odd=(inside - outside) / 2", "odd=(outside - inside) / 2", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/integrals.py", "2 * scaled * (total - 1)", "2 * scaled * total", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/integrals.py", "weights[size - 1], -weights[size]", "weights[size], -weights[size - 1]", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/model.py", "(by_feature - rho * level)", "(by_feature + rho * level)", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/model.py", "(linear - shares @ linear)", "linear", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/model.py", "squared = self.relevance**2", "squared = self.relevance**0", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/integrals.py", "4 * p.linear * p.shares", "4 * p.linear / n", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/posterior.py", "(1 - share) ** 2", "(1 - share)", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/estimator.py", "FIXED.width_missed * min(missed, 1.0)", "0 * min(missed, 1.0)", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/placement.py", "self._gain -= 2 *", "self._gain -= 1 *", ESTIMATORS + "/test_estimator_placement.py"),
    Mutation("shapley/process/placement.py", "self._free & allowed", "self._free", ESTIMATORS + "/test_estimator_placement.py"),
    Mutation("shapley/process/placement.py", "if short >= candidates", "if short > candidates", ESTIMATORS + "/test_estimator_placement.py"),
    Mutation("shapley/process/estimator.py", "FIXED.design_share * time", "1e9 * time", ESTIMATORS + "/test_estimator_api.py"),
    Mutation("shapley/process/estimator.py", "FIXED.fit_share * time", "1e9 * time", ESTIMATORS + "/test_estimator_api.py"),
    Mutation("shapley/process/estimator.py", "* max(1.0, TRUSTED * n / n_pairs)", "", ESTIMATORS + "/test_estimator_odd_gp.py"),
    Mutation("shapley/process/placement.py", "both[:n, :few] = 0", "both[:n, :few] *= 1", ESTIMATORS + "/test_estimator_placement.py"),
    Mutation("shapley/permutation.py", "np.sqrt(variance / n_walks)", "np.sqrt(variance)", ESTIMATORS + "/test_estimator_peers.py"),
    Mutation("shapley/result.py", "return MARGIN * error / spread", "return error / spread", ESTIMATORS + "/test_estimator_api.py"),
    Mutation("metrics/base.py", 'params["max_steps"] = explanation', '_ = explanation', "tests/metrics/test_metrics_sanity.py"),
    Mutation("metrics/stability.py", "for i, e in enumerate(first) if e.drawn]", "for i, e in enumerate(first)]", SANITY),
    Mutation("metrics/faithfulness.py", "np.unique([half, n - half])", "np.unique([half, half])", REMOVAL),
    # methods
    Mutation("methods/path.py", "at = start + along", "at = start - along", GRADIENT),
    Mutation("methods/path.py", "rows, step * self.batch.gradient", "rows, self.batch.gradient", GRADIENT),
    Mutation("methods/passes.py", "targets @ weights.to(targets)", "targets.sum()", GRADIENT),
    Mutation("methods/cam.py", "slopes.flatten(2).sum(dim=2)", "slopes.flatten(2).amax(dim=2)", CAM),
    Mutation("methods/lime.py", "(log_pairs - log_asked)", "(log_asked - log_pairs)", LIME),
    Mutation("methods/weighted_lines.py", "share = self._left_out[part]", "share = np.ones(len(a))", LIME),
    # metrics and verdict
    Mutation("metrics/faithfulness.py", "ties, values.shape), -values))", "ties, values.shape), values))", REMOVAL),
    Mutation("metrics/faithfulness.py", "kept: Bools = rank[..., None, :] >= counts", "kept: Bools = rank[..., None, :] > counts", REMOVAL),
    Mutation("metrics/faithfulness.py", "area(insertion) - area(deletion)", "area(deletion) - area(insertion)", REMOVAL),
    Mutation("core/agreement.py", "np.argsort(-strength", "np.argsort(strength", AGREEMENT),
    Mutation("core/agreement.py", "np.argsort(-np.abs(values)", "np.argsort(np.abs(values)", AGREEMENT),
    Mutation("core/agreement.py", "(place[a] == place[b]) & top_a", "(place[a] == place[b])", AGREEMENT),
    Mutation("core/agreement.py", "strength[:, row, i] - strength[:, row, j]", "strength[:, 0, i] - strength[:, 0, j]", AGREEMENT),
    Mutation("core/stats.py", "(first + last) / 2 + 1", "first + 1.0", STATS),
    Mutation("metrics/faithfulness.py", "[removed, removed[:, ::-1]]", "[removed, removed]", REMOVAL),
    Mutation("metrics/faithfulness.py", "y.reshape(len(y), len(values), 2, -1), 0, 1)", "y.reshape(len(blocks), len(y), 2, -1), 0, 0)", REMOVAL),
    Mutation("metrics/faithfulness.py", 'q.target.space == "logit" for q in self.questions', 'self.questions[0].target.space == "logit" for _ in self.questions', REMOVAL),
    Mutation("core/cache.py", "self._made.clear()", "pass", STUDY + "::test_what_a_metric_made_for_a_sample_is_gone_when_the_next_is_measured"),
    Mutation("core/stats.py", "adjusted[order] = np.minimum(stepped, 1.0)", "adjusted = np.minimum(stepped, 1.0)", STATS),
    # studies: draws, samples, what is kept and told
    Mutation("core/question.py", "zlib.crc32(sample_id.encode())]", "0]", STUDY + "::test_all_methods_are_measured_on_the_same_draws_and_samples_on_their_own"),
    Mutation("metrics/base.py", "rng.bit_generator.state = start", "pass", STUDY + "::test_all_methods_are_measured_on_the_same_draws_and_samples_on_their_own"),
    Mutation("study/measuring.py", "replace(question, masker=other, cache=Cache())", "replace(question, masker=other)", STUDY + "::test_removal_in_the_second_way_reads_nothing_of_the_first"),
    Mutation("core/registry.py", "self.register(point.name)(point.load())", "self._entries[point.name] = point.load()", "tests/core/test_registry.py"),
    Mutation("core/registry.py", "self._entries.get(name, thing) is not thing", "name in self._entries", "tests/core/test_registry.py"),
    Mutation("study/study.py", 'wanted == "auto" or not kinds[n].explains_again', 'True', STUDY + "::test_which_metrics_are_taken"),
    Mutation("study/measuring.py", "start < self.checked", "start <= self.checked", STUDY + "::test_metrics_that_explain_again_take_as_many_samples_as_are_checked"),
    Mutation("study/study.py", "[name for name in known if name != first]", "known[1:]", STUDY + "::test_the_second_way_is_another_than_the_one_asked_for"),
    Mutation("metrics/faithfulness.py", "if block[0].method != RANDOM", "if block", STUDY + "::test_removal_is_tried_in_two_ways_and_the_random_control_is_the_mean_of_many"),
    Mutation("tasks/classification.py", "softmax(scores, axis=1)", "softmax(scores, axis=0)", STUDY + "::test_a_run_says_what_was_asked_and_what_the_model_said"),
    Mutation("core/agreement.py", "first, second = np.triu_indices(n, 1)", "first, second = np.triu_indices(n, 0)", STUDY + "::test_each_pair_of_methods_is_compared_once_a_sample"),
    Mutation("metrics/sanity.py", "number = first + i * copies + c", "number = first", SANITY + "::test_twins_are_dealt_out_in_turn_and_a_block_asks_each_once"),
    Mutation("metrics/sanity.py", "np.random.default_rng(seed)) for n", "np.random.default_rng(seed[:1])) for n", SANITY + "::test_twins_are_dealt_out_in_turn_and_a_block_asks_each_once"),
    Mutation("metrics/sanity.py", "OWN_SAMPLE.scores(mine - other, of)", "OWN_SAMPLE.scores(other - mine, of)", SANITY + "::test_the_map_of_a_sample_is_held_against_that_of_the_next_of_its_class"),
    Mutation("metrics/sanity.py", "if questions[j].target == questions[i].target]", "]", SANITY + "::test_the_map_of_a_sample_is_held_against_that_of_the_next_of_its_class"),
    Mutation("judge/checks.py", "bool(high <= self.limit)", "bool(high < self.limit)", RULES + "::test_a_map_that_is_worth_a_random_order_on_every_sample_fails"),
    Mutation("models/refit.py", "found = rng.permutation(answers)", "found = answers.copy()", REFIT + "::test_a_twin_is_fitted_on_the_same_rows_and_its_own_answers_permuted"),
    Mutation("models/refit.py", "if (found == label).sum() < each:", "if False:", REFIT + "::test_every_class_stays_known"),
    Mutation("models/refit.py", "return x[:, self.order]", "return x", REFIT + "::test_words_exchange_their_weights"),
    Mutation("metrics/stability.py", "2 * (a @ b)", "(a @ b)", SANITY + "::test_the_share_of_the_variance_that_repeats_by_hand"),
    Mutation("metrics/stability.py", "a, b = a - a.mean(), b - b.mean()", "a, b = a, b", SANITY + "::test_the_share_of_the_variance_that_repeats_by_hand"),
    Mutation("judge/checks.py", "True if value >= limit.limit", "True if high >= limit.limit", RULES + "::test_a_limit_is_passed_failed_or_open_by_the_whole_interval"),
    Mutation("modalities/table.py", 'bool(column["categories"])', 'not column["categories"]', FACTS + "::test_a_question_takes_names_target_masker_and_background_from_its_plan"),
    Mutation("study/plan.py", "if plan.background is None else rows_of(model, plan.background)", "", FACTS + "::test_a_question_takes_names_target_masker_and_background_from_its_plan"),
    Mutation("study/plan.py", "method.name, question.model.id, question.sample.id)", "method.name, question.model.id, questions[0].sample.id)", FACTS + "::test_one_sample_that_fails_is_recorded_and_the_others_are_explained"),
    Mutation("study/context.py", "[5, 50, 95]", "[10, 50, 90]", FACTS + "::test_the_usual_range_of_a_column_is_that_of_the_training_rows"),
    Mutation("study/context.py", '.get("test", {})', '.get("val", {})', FACTS + "::test_the_usual_range_of_a_column_is_that_of_the_training_rows"),
    Mutation("study/context.py", "len(data.test)", "len(data.train)", FACTS + "::test_the_data_are_named_counted_and_identified"),
    Mutation("methods/base.py", '"control": cls.card.control', '"control": False', FACTS + "::test_methods_are_described_by_their_cards_and_controls_are_marked"),
    Mutation("study/forecast.py", "{seconds / 60:.0f}", "{seconds / 3600:.0f}", FACTS + "::test_a_time_is_told_in_the_unit_that_fits_it"),
    Mutation("study/forecast.py", "again * (i < checked)", "again", FACTS + "::test_the_forecast_counts_what_checks_ask_again_and_remove"),
    Mutation("study/forecast.py", "- start) / PROBE", "- start)", FACTS + "::test_the_forecast_adds_up_rows_and_times_of_one_timed_pass"),
    Mutation("study/forecast.py", "return BACKWARD if", "return 1 if", FACTS + "::test_the_forecast_adds_up_rows_and_times_of_one_timed_pass"),
    Mutation("study/forecast.py", "few + low, many + high", "few + low, many + low", FACTS + "::test_the_forecast_adds_up_rows_and_times_of_one_timed_pass"),
    Mutation("core/typed.py", "np.isfinite(value):\n        return None", "np.isfinite(value):\n        return 0.0", RUNS + "::test_what_could_not_be_measured_is_no_number_after_saving"),
    Mutation("core/typed.py", 'return float("nan")', "return 0.0", RUNS + "::test_what_could_not_be_measured_is_no_number_after_saving"),
    Mutation("report/blocks/overview_seen.py", "np.where(self.shares.answers == 1, 1.0, -1.0)", "np.where(self.shares.answers == 0, 1.0, -1.0)", OVER + "::test_values_of_two_classes_are_turned_towards_the_second"),
    Mutation("report/blocks/overview_seen.py", 'and told.unit != "relative"', "", OVER + "::test_values_of_two_classes_are_turned_towards_the_second"),
    Mutation("report/blocks/overview_columns.py", '"over.direction.high" if rank > 0', '"over.direction.high" if rank < 0', OVER + "::test_columns_stand_by_their_mean_share_with_its_interval_and_direction"),
    Mutation("report/blocks/overview_errors.py", "(seen.true[seen.known], said[seen.known])", "(said[seen.known], seen.true[seen.known])", OVER + "::test_what_is_taken_for_what"),
    Mutation("report/blocks/overview_errors.py", "argsort(-overview.misses", "argsort(overview.misses", OVER + "::test_the_worst_errors_stand_first"),
    Mutation("report/blocks/overview_errors.py", "~truth[:, k] & said[:, k]", "~truth[:, k] & ~said[:, k]", OVER + "::test_labels_that_hold_together_are_counted_each"),
    Mutation("report/blocks/overview_errors.py", "(groups == group) & seen.known", "groups == group", OVER + "::test_accuracy_by_group_has_intervals_and_small_groups_are_said_to_be_small"),
    Mutation("report/blocks/overview_places.py", "mine & ~overview.wrong", "mine", OVER + "::test_a_typical_sample_is_the_one_whose_map_is_most_like_the_mean"),
    Mutation("report/blocks/overview_places.py", "Part(1 - there.share, 1 - there.size)", "Part(there.share, there.size)", OVER + "::test_a_place_is_named_by_its_share_against_its_size"),
    Mutation("report/blocks/overview_words.py", "len(values) >= least and", "", OVER + "::test_words_stand_by_their_mean_evidence_with_how_many_texts_hold_them"),
    Mutation("study/overview.py", 'target="predicted"), seed', 'target=(plan or Plan()).target), seed', OVERVIEW + "::test_the_target_is_the_predicted_class_whatever_the_plan_asks"),
    Mutation("study/overview.py", "found.take(np.argsort(rows))", "found", OVERVIEW + "::test_a_larger_split_is_drawn_and_says_so"),
    Mutation("study/overview.py", "if step <= limit", "if step < 2 * limit", OVERVIEW + "::test_what_would_take_too_long_is_drawn_by_round_numbers"),
    Mutation("study/overview.py", "not in held][:n]", "in held or True][:n]", OVERVIEW + "::test_the_worst_errors_come_first_and_none_twice"),
    Mutation("study/overview.py", "argsort(-misses", "argsort(misses", OVERVIEW + "::test_the_worst_errors_come_first_and_none_twice"),
    Mutation("study/overview.py", "run.of(method.name)[0].additive and not slow", "not slow", OVERVIEW + "::test_the_cheapest_of_the_best_is_asked"),
    Mutation("study/overview_file.py", "inside is not None for", "True for", OVERVIEW + "::test_it_comes_back_as_it_was_saved"),
    Mutation("study/sample_facts.py", "= np.inf", "= 0.0", OVERVIEW + "::test_what_is_known_of_rows"),
    Mutation("study/sample_facts.py", "not in seen for", "in seen for", OVERVIEW + "::test_what_is_known_of_pictures_texts_and_series"),
    Mutation("study/sample_facts.py", "- ground) > 0.25", "- ground) > 1", OVERVIEW + "::test_what_is_known_of_pictures_texts_and_series"),
    Mutation("study/study.py", "found = [e for e in explanations if e.sample_id in mine]", "found = explanations", OVERVIEW + "::test_added_errors_are_shown_and_never_counted"),
    Mutation("study/run.py", "verdicts(self.measured)", "verdicts(self)", OVERVIEW + "::test_added_errors_are_shown_and_never_counted"),
    Mutation("tasks/classification.py", "predictions * (1 - self.truth(label))", "predictions * self.truth(label)", OVERVIEW + "::test_errors_are_known_by_how_wrong_they_are"),
    Mutation("study/run.py", "if id(item) not in segmentations", "if not segmentations", RUNS + "::test_every_field_of_a_run_comes_back"),
    Mutation("study/run.py", 'keep(f"explanation-{i}-{name}"', 'keep(f"explanation-{name}"', RUNS + "::test_every_field_of_a_run_comes_back"),
    Mutation("core/typed.py", 'return tuple(float("nan") if item is None else item for item in value)', "return value", "tests/core/test_typed.py::test_a_dataclass_is_built_of_what_json_holds"),
    # models compared
    Mutation("judge/rule.py", "(1 / n + ratio)", "(1 / n)", RULE + "::test_folds_that_overlap_widen_the_error_as_nadeau_and_bengio_say"),
    Mutation("judge/rule.py", "student.sf((rope - mean)", "student.sf((-rope - mean)", RULE + "::test_the_chances_are_areas_under_the_posterior"),
    Mutation("judge/rule.py", "first if first.settled else", "first if not first.settled else", RULE + "::test_the_second_look_is_taken_only_while_undecided"),
    Mutation("study/compare/folds.py", "x=np.delete(s.x, at)", "x=s.x", COMPARED + "::test_rows_of_a_group_are_on_one_side_and_the_column_is_no_input"),
    Mutation("study/compare/reasons.py", "(draws[1], 0)", "(draws[0], 0)", COMPARE + "::test_floors_are_fits_on_other_rows_and_with_another_seed"),
    Mutation("study/compare/reasons.py", 'task.named("label", s)', "task.named(0, s)", "tests/study/test_compare_parts.py::test_the_true_class_of_each_sample_is_explained"),
    Mutation("study/compare/reasons.py", "return -sum(wrong),", "return sum(wrong),", "tests/study/test_compare_parts.py::test_samples_that_both_answer_wrongly_come_before_those_that_one_does"),
    Mutation("study/compare/together.py", "TIMES * max(v", "TIMES * min(v", "tests/study/test_compare_together.py::test_a_pair_is_one_sides_own_only_where_both_of_its_fits_have_it"),
    Mutation("study/compare/folds.py", "known[s.id] for s in rows", "known[rows[0].id] for s in rows", COMPARED + "::test_samples_of_any_kind_are_grouped_by_a_file_or_by_what_they_carry[text]"),
    Mutation("study/compare/claims.py", "else -apart, outer", "else apart, outer", "tests/study/test_compare_parts.py::test_gaps_that_the_folds_cannot_tell_apart_are_no_verdict"),
    Mutation("models/warping.py", "apart + least", "apart + before[j]", "tests/models/test_models_compared.py::test_distances_under_warping_are_those_of_the_recursion[0.3-3]"),
    Mutation("models/zoo/mlp.py", "reshape(len(x), -1) / members)", "reshape(len(x), -1))", "tests/models/test_models_compared.py::test_many_nets_in_one_answer_the_mean_of_their_members"),
    Mutation("study/compare/calibration.py", "p.max(axis=1), p.argmax", "p.min(axis=1), p.argmax", COMPARE + "::test_the_calibration_errors"),
    Mutation("study/compare/calibration.py", "false * thresholds / (1 - thresholds)", "false", COMPARE + "::test_errors_of_one_side_and_the_net_benefit"),
    Mutation("study/compare/fitting.py", "if self.balanced:", "if not self.balanced:", COMPARE + "::test_all_models_of_a_comparison_get_the_same_weights"),
    Mutation("study/compare/verdict.py", "two[:n] - one[:n]", "one[:n] - two[:n]", COMPARE + "::test_the_difference_of_the_pair_and_its_corrected_interval"),
    Mutation("study/compare/folds.py", "np.argsort(data.order)", "data.order", COMPARED + "::test_rows_of_a_file_are_held_out_in_the_order_of_the_file_whatever_splits_were_drawn"),
    Mutation("study/compare/folds.py", "[0]] = False", "[0]] = True", COMPARED + "::test_a_class_of_two_rows_is_never_held_out_nor_stopped_by_whole"),
    Mutation("study/compare/verdict.py", "for n in sound if", "for n in names if", "tests/study/test_compare_parts.py::test_the_model_to_use_is_the_cheapest_of_those_level_with_the_best"),
    Mutation("study/compare/outer.py", "[c.categories for c", "[() for c", COMPARED + "::test_fits_on_numbers_and_on_codes_are_told_apart"),
    Mutation("tasks/sequence.py", "if theirs != self.tokens", "if len(theirs) > len(self.tokens)", "tests/tasks/test_tasks_new_files.py::test_pairs_are_read_with_the_models_tokens_and_others_are_refused"),
    Mutation("data/sessions.py", "items = list(options.classes or ()) or", "items = [] or", "tests/tasks/test_tasks_new_files.py::test_sessions_are_read_in_the_order_of_the_models_items"),
    Mutation("app/brought.py", '"lags": len(model.background[0])', '"lags": 96', "tests/tasks/test_tasks_new_files.py::test_a_forecast_is_read_as_far_as_the_model_sees_and_says"),
    Mutation("study/compare/verdict.py", "if means[best] - means[n] < rope", "if means[n] - means[best] < rope", "tests/study/test_compare_parts.py::test_the_model_to_use_is_the_cheapest_of_those_level_with_the_best"),
    Mutation("report/comparison_told.py", '"difference": -pair["difference"]', '"difference": pair["difference"]', SHEET + "::test_a_pair_seen_from_the_other_side"),
    Mutation("report/comparison_charts.py", '"y": 100 - position(b["observed"], axis)', '"y": position(b["observed"], axis)', SHEET + "::test_sureness_stands_at_what_was_stated_and_seen"),
    Mutation("report/templates/comparison.html.j2", "<b>{{ r.name }}</b>", "<b>{{ r.name|safe }}</b>", ESCAPES + "::test_no_text_of_a_comparison_opens_an_element"),
    Mutation("study/quality.py", "differences = other - base", "differences = base - other", QUALITY + "::test_the_verdict_follows_the_interval_and_the_band_that_does_not_matter"),
    Mutation("study/quality.py", "- labels) ** 2 / labels.var()", "- labels) ** 2 / labels.std()", QUALITY + "::test_a_regression_is_measured_by_r2_of_each_row"),
    Mutation("study/quality.py", "low >= -ROPE and high <= ROPE", "low >= -ROPE or high <= ROPE", QUALITY + "::test_the_verdict_follows_the_interval_and_the_band_that_does_not_matter"),
    Mutation("study/quality.py", "(half / ROPE) ** 2", "(half / ROPE)", QUALITY + "::test_the_verdict_follows_the_interval_and_the_band_that_does_not_matter"),
    # the front door of the command line
    Mutation("study/plan.py", "if k in known} | own)", "if k in known})", "tests/study/test_own_question.py::test_a_method_named_with_settings_is_the_configured_one"),
    Mutation("app/options.py", "int(c) if c.isdigit() else c", "c", "tests/study/test_own_question.py::test_groups_and_labels_are_read_from_the_words_of_the_command_line"),
    Mutation("models/onnx.py", "x = x[..., 0]", "x = x[:, ::-1, 0]", "tests/models/test_models_onnx.py::test_a_series_of_one_channel_goes_into_a_graph_of_rows"),
    Mutation("study/study.py", "_pairs(questions[:interactions]", "_pairs(questions[-interactions:]", "tests/study/test_own_question.py::test_a_study_keeps_what_features_are_worth_together_and_the_page_shows_it"),
    Mutation("report/blocks/strip.py", '"strip.legend" if groups.wrong', '"strip.legend" if groups.rest', CASE + "::test_samples_without_labels_are_called_neither_right_nor_near"),
    # layers: what a cell has seen, what excites a channel, what a probe is asked
    Mutation("models/layers.py", "(s.first + i * s.step, s.end + i * s.step)", "(s.first + i * s.step, s.end + i * s.step + s.step)", LAYERS + "::test_the_window_of_a_cell_is_all_that_moves_it"),
    Mutation("models/layers.py", "(held * placed(layer, slope))", "held", LAYERS + "::test_channels_weigh_what_they_add_to_the_predicted_answer"),
    Mutation("models/layers.py", "                start()", "                pass", LAYERS + "::test_the_untrained_twin_starts_as_its_modules_do"),
    Mutation("models/visualise.py", "grid[0][:, None] * math.cos(turn)", "grid[0][:, None] * math.sin(turn)", LAYERS + "::test_the_answer_to_gratings_is_that_of_the_filter"),
    Mutation("models/visualise.py", "(-given(spectrum", "(given(spectrum", LAYERS + "::test_a_made_picture_is_the_one_that_excites_a_known_filter_most"),
    Mutation("study/layers.py", "line.predict(asked.mean)", "line.predict(learned.mean[: len(held)])", LAYERS + "::test_a_probe_is_scikit_learns_own_score"),
    Mutation("study/layers.py", "max(self.majority, best.twin.interval[1])", "self.majority", LAYERS + "::test_classes_can_be_told_from_a_layer_on"),
    # training: which rows decide what
    Mutation("models/training.py", 'self.data.inputs("val")', 'self.data.inputs("test")', SPLITS + "::test_the_test_rows_change_nothing_but_the_measurement"),
    Mutation("models/training.py", 'self.objective.truth(self.model, self.data, "val")', 'self.objective.truth(self.model, self.data, "test")', SPLITS + "::test_the_test_rows_change_nothing_but_the_measurement"),
    Mutation("models/training.py", "if loss <= best_loss", "if True", SPLITS + "::test_the_epoch_that_is_kept_is_the_best_on_val"),
    Mutation("models/training.py", "evaluate(model, data, split) for", "evaluate(model, data) for", SPLITS + "::test_quality_is_told_for_the_split_it_was_measured_on"),
    Mutation("tasks/regression.py", "(truth - scores) ** 2, truth.var(axis=0)", "(truth - scores) ** 2, truth.std(axis=0)", SPLITS + "::test_a_regressor_is_measured_by_r2_and_the_mean_absolute_error"),
    Mutation("models/training.py", "float(labels.std()) or 1.0", "float(labels.var()) or 1.0", SPLITS + "::test_a_regressors_scale_is_that_of_the_training_labels"),
    Mutation("models/reading.py", "x[:, ::-1] if recipe.flip", "x[::-1] if recipe.flip", SPLITS + "::test_pictures_that_are_moved_keep_their_height_and_width"),
    # the case shown large
    Mutation("report/waterfall.py", "np.cumsum([start, *steps])", "np.cumsum([0.0, *steps])", CASE + "::test_a_waterfall_leads_from_the_average_to_the_row"),
    Mutation("report/waterfall.py", "e.values[rest].sum()", "e.values[kept].sum()", CASE + "::test_what_is_not_among_the_six_strongest_is_one_step"),
    Mutation("report/columns.py", "(same[0] + same[-1]) / 2", "same[-1]", CASE + "::test_a_value_is_placed_among_the_training_rows"),
    Mutation("report/spoken.py", "around = str(escape(self.frame(HOLE)))", "around = self.frame(HOLE)", ESCAPES + "::test_no_text_of_a_run_opens_an_element[image-en]"),
    Mutation("report/spoken.py", "name = escape(self.name)", "name = self.name", CASE + "::test_names_in_a_sentence_are_text"),
    Mutation("report/spoken.py", "if e.values[i] < 0]", "if e.values[i] > 0]", CASE + "::test_the_sentence_names_columns_by_how_high_they_are"),
    Mutation("report/image_case.py", "return AREAS[thirds[0]][thirds[1]]", "return AREAS[thirds[1]][thirds[0]]", CASE + "::test_the_sentence_names_places_of_what_is_marked"),
    Mutation("report/image_case.py", "alike >= ALIKE", "alike <= ALIKE", CASE + "::test_a_finer_map_is_drawn_only_where_it_says_the_same"),
    Mutation("report/contours.py", "(level - a) / (b - a)", "(level - b) / (a - b)", CASE + "::test_a_line_goes_round_what_lies_above_the_level"),
    Mutation("report/blocks/change.py", "if after > before else", "if after < before else", CASE + "::test_a_change_of_columns_is_told_with_its_curve"),
    Mutation("report/blocks/change.py", "if right else", "if not right else", CASE + "::test_a_removal_is_told_by_its_number_and_whether_it_is_right"),
    Mutation("report/blocks/strip.py", "key=lambda i: (ids[i] not in turned, -sureness[i])", "key=lambda i: (ids[i] in turned, sureness[i])", CASE + "::test_wrong_answers_stand_first_and_the_surest_of_them_before"),
    Mutation("report/blocks/rows.py", "if not any(r[f] and", "if any(r[f] and", CASE + "::test_a_page_without_one_class_among_the_wrong_says_so"),
    Mutation("study/smooth.py", "e.values / cut.sizes if e.additive", "e.values if e.additive", PAGED + "::test_a_smooth_map_is_the_mean_over_shifted_patches"),
    Mutation("study/smooth.py", "product(offsets, repeat=2)", "zip(offsets, offsets, strict=True)", PAGED + "::test_a_smooth_map_is_the_mean_over_shifted_patches"),
    Mutation("study/flip/along.py", "before = nearest + (1 if at[nearest] < here else -1)", "before = nearest - (1 if at[nearest] < here else -1)", PAGED + "::test_the_answer_along_a_column_turns_where_the_model_does"),
    Mutation("study/flip/api.py", "shown[ids == i].mean(axis=0)", "shown[ids != i].max(axis=0) + 1", PAGED + "::test_what_stands_in_for_a_removed_patch_is_told_as_a_colour"),
    # judge: what settles a verdict and traces a cause
    Mutation("judge/checks.py", "len(found) // len(controls)", "len(found)", RULES + "::test_a_way_of_removing_counts_once_however_many_controls_there_are"),
    Mutation("judge/checks.py", "_beaten(mine - theirs", "_beaten(theirs - mine", RULES + "::test_a_way_of_removing_counts_once_however_many_controls_there_are"),
    Mutation("judge/checks.py", "margin = MARGIN if measured.has_twin else 0.0", "margin = MARGIN", RULES + "::test_a_tie_with_the_input_alone_holds_and_a_clear_loss_fails"),
    Mutation("judge/checks.py", "limit, bounds = 0.0 - float(slack.mean())", "limit, bounds = 0.0", RULES + "::test_a_tie_with_the_input_alone_holds_and_a_clear_loss_fails"),
    Mutation("judge/checks.py", "self.value - self.interval[0] if gap > 0", "self.value - self.interval[0] if gap < 0", RULES + "::test_what_must_narrow_is_the_side_of_the_interval_that_crosses_the_limit"),
    Mutation("judge/checks.py", "self.n * (half / gap) ** 2", "self.n * (half / gap)", RULES + "::test_how_many_samples_would_settle_it"),
    Mutation("judge/verdict.py", "LEAST) * x - y) for x, y", "LEAST) * x - y.mean()) for x, y", RULES + "::test_differences_of_gains_are_paired_and_needed_under_every_masker"),
    Mutation("judge/verdict.py", "all(i is not None and i[0] > 0 for i in found)\n\n\ndef _share", "any(i is not None and i[0] > 0 for i in found)\n\n\ndef _share", RULES + "::test_differences_of_gains_are_paired_and_needed_under_every_masker"),
    Mutation("judge/verdict.py", "iter([*additive, *level,", "iter([*level,", RULES + "::test_of_those_level_with_the_best_the_additive_one_is_shown"),
    Mutation("judge/verdict.py", "theirs - (1 - MARGIN) * mine", "theirs - mine", RULES + "::test_the_input_alone_is_level_with_the_best_within_a_tenth"),
    Mutation("judge/checks.py", "True if high <= limit.limit", "True if low <= limit.limit", RULES + "::test_a_limit_is_passed_failed_or_open_by_the_whole_interval"),
    Mutation("judge/checks.py", "(f.side, f.value - f.limit)", "(f.side, f.limit - f.value)", RULES + "::test_the_strongest_control_is_the_one_to_beat"),
    Mutation("judge/causes.py", "interval[1] >= STEADY", "interval[0] >= STEADY", RULES + "::test_a_method_is_unsteady_when_the_whole_interval_says_so"),
    Mutation("judge/causes.py", "interval[1] >= SATURATED", "interval[0] >= SATURATED", RULES + "::test_a_model_is_saturated_when_the_slope_is_below_half_for_certain"),
    Mutation("judge/causes.py", "missing = pair.test.ceiling - ", "missing = 1 - ", RULES + "::test_what_is_missing_is_the_ceiling_less_the_agreement"),
    # data: which row is where, and where something is wrong
    Mutation("data/rows.py", "np.argsort(places)[codes]", "np.array(places)[codes]", ROWS + "::test_three_classes_in_another_order_keep_their_rows"),
    Mutation("data/rows.py", "SHARE = 0.15", "SHARE = 0.2", ROWS + "::test_every_row_is_in_one_split_and_classes_keep_their_shares"),
    Mutation("data/rows.py", "> MAX_NUMBER_CLASSES", ">= MAX_NUMBER_CLASSES", ROWS + "::test_twenty_different_whole_numbers_are_classes_and_more_are_a_regression"),
    Mutation("data/lines.py", "cells, lines[1:], list(", "cells, lines[:-1], list(", ROWS + "::test_a_line_is_counted_from_one_with_its_header_blank_lines_and_quotes"),
    Mutation("data/tables.py", 'f"{prefix}-{row}"', 'f"{prefix}-{row - 1}"', ROWS + "::test_a_row_keeps_its_own_values_label_and_name"),
    Mutation("data/arrays.py", "row {row + 1} at", "row {row} at", ROWS + "::test_a_value_that_is_no_number_is_named_by_array_row_and_place"),
    Mutation("modalities/image.py", 'x.dtype.kind in "iu"', 'x.dtype.kind in "u"', ROWS + "::test_bytes_counts_and_shares_of_arrays_are_scaled_by_what_they_hold"),
    Mutation("data/pictures.py", 'layer.size, "white"', 'layer.size, "black"', ROWS + "::test_a_pixel_is_its_share_of_full_brightness"),
    Mutation("data/pictures.py", "ImageOps.exif_transpose(opened)", "opened.copy()", ROWS + "::test_a_picture_that_lies_on_its_side_is_turned"),
    Mutation("data/pictures.py", '"valid": "val"', '"valid": "test"', ROWS + "::test_pictures_of_given_parts_keep_class_part_and_name"),
    Mutation("data/dataset.py", "digest.update(label.tobytes() if is_array else repr(label).encode())", "pass", ROWS + "::test_a_hash_follows_every_value_and_label"),
    Mutation("modalities/text.py", "touched[start + 1 : end + 1]", "touched[start:end]", ROWS + "::test_a_span_of_tokens_marks_every_word_of_them"),
    # sounds: there and back, mel bands, what is removed, who is kept apart
    Mutation("core/sound.py", "found = 10 ** (level / 20)", "found = 10 ** (level / 10)", AUDIO + "::test_a_sound_comes_back_from_its_spectrum"),
    Mutation("core/sound.py", "clip(0)[::-1, ::-1]", "clip(0)[::-1]", AUDIO + "::test_mel_levels_as_they_are_written"),
    Mutation("models/audio.py", "at.flip(2)", "at", AUDIO + "::test_a_sound_comes_back_from_its_spectrum"),
    Mutation("models/audio.py", "self.bank.sum(axis=1, keepdims=True)", "self.bank.sum(axis=0, keepdims=True).clip(1e-9)", AUDIO + "::test_cells_of_a_layer_come_back_to_frequencies"),
    Mutation("modalities/audio.py", "level = rows[..., 0].mean(", "level = rows[..., 0].max(", AUDIO + "::test_what_is_removed_has_the_mean_spectrum_and_its_own_phase"),
    Mutation("data/rows.py", "if len(named) >= ENOUGH_GROUPS", "if len(named) > 99", AUDIO + "::test_six_groups_are_enough_for_val_too"),
    Mutation("report/answers_sounds.py", "(size < 0) * 128", "(size > 0) * 128", AUDIO + "::test_a_sound_inside_the_page_is_the_sound"),
    # files as people have them, and as ill-wishers have them
    Mutation("data/encodings.py", "if other and not any(map(str.isalpha, other)):", "if False:", FORMS + "::test_an_encoding_that_is_not_sure_is_asked_for"),
    Mutation("data/decimals.py", 'c.replace(".", "").replace(",", ".")', 'c.replace(",", ".")', FORMS + "::test_a_decimal_comma_is_found_where_it_means_one_thing"),
    Mutation("data/decimals.py", "if bool(comma) != bool(dot):", "if comma or dot:", FORMS + "::test_a_comma_that_may_be_two_things_is_asked_about"),
    Mutation("data/steps.py", 'if fill == "zero"', 'if fill == "last"', FORMS + "::test_series_of_several_lengths_are_refused_or_brought_to_one"),
    Mutation("data/sounds.py", "-float(np.iinfo(x.dtype).min)", "float(np.iinfo(x.dtype).max)", FORMS + "::test_recordings_are_series_in_one_range_with_their_rate"),
    Mutation("data/archives.py", 'or ".." in parts', "or False", FORMS + "::test_an_archive_that_leads_out_is_refused_by_that_name"),
    Mutation("app/terminal.py", '_UNSAFE.sub("\\ufffd", text)', "text", HOSTILE + "::test_a_hostile_file_is_one_sentence[a-.csv-whose-names-are-markup-and-turn-the-line]"),
    Mutation("study/given.py", "np.moveaxis(x, 0, -1) if _channels_first(x) else x", "x", "tests/data/test_data_held.py::test_a_data_set_is_explained_with_its_labels"),
    # the command line
    Mutation("app/options.py", "1024 **", "1000 **", WORDS + "::test_every_option_of_explain_reaches_the_study"),
    Mutation("study/difference.py", "np.abs(shares[0] - turned).sum() / 2", "np.abs(shares[0] - turned).sum()", "tests/study/test_difference.py"),
    Mutation("study/difference.py", "turned = -shares[1] if", "turned = shares[1] if", "tests/study/test_difference.py"),
    Mutation("study/difference.py", "(-t.answers, ", "(t.answers, ", "tests/study/test_difference.py"),
    Mutation("study/difference.py", "1 - LEVEL / rows.shape[2]", "0.01", "tests/study/test_difference.py"),
    Mutation("report/letter.py", "return -e.values if two", "return e.values if two", "tests/report/test_report_letter.py"),
    Mutation("report/letter.py", "if values[i] > 0]", "if values[i] < 0]", "tests/report/test_report_letter.py"),
    Mutation("report/letter.py", "round(1 / (1 - right))", "round(1 / right)", "tests/report/test_report_letter.py"),
    Mutation("report/index_page.py", '-card["errors"]', 'card["errors"]', "tests/report/test_report_index.py"),
    Mutation("report/index_card.py", "(1 - float(", "(float(", "tests/report/test_report_index.py"),
    Mutation("app/explaining.py", 'f.kind == "error"', 'f.kind != "error"', WORDS + "::test_a_method_that_broke_ends_in_code_1_and_one_that_does_not_apply_in_0"),
    Mutation("app/explaining.py", '"residual": e.residual', '"residual": e.output', WORDS + "::test_json_tells_verdicts_strongest_features_and_failures"),
    Mutation("app/options.py", 'pair.partition("=")', 'pair.rpartition("=")', WORDS + "::test_training_passes_settings_as_numbers_words_and_switches"),
    Mutation("core/later.py", "self.__dict__[name] = found", "pass", "tests/test_imports.py::test_a_module_for_later_is_imported_once_at_the_first_look"),
    Mutation("app/machine.py", "if quick:", "if False:", WORDS + "::test_a_quick_doctor_says_versions_and_checks_nothing"),
    Mutation("app/cli.py", 'row[1] == "wrong"', 'row[1] == "untried"', WORDS + "::test_doctor_ends_in_code_1_when_an_answer_is_wrong"),
    Mutation("app/terminal.py", 'replace("[", r"\\[")', 'replace("", "")', WORDS + "::test_a_cell_of_a_table_is_printed_as_it_stands"),
    # the page: signs, shares, units, escapes
    Mutation("report/findings.py", 'get("direction") == "lower" else', 'get("direction") is None else', NUMBERS + "::test_a_gain_is_positive_where_a_method_is_better_than_removing_at_random"),
    Mutation("report/findings.py", 'get("direction") == "lower" else', 'get("direction") == "higher" else', NUMBERS + "::test_a_gain_is_positive_where_a_method_is_better_than_removing_at_random"),
    Mutation("report/words/__init__.py", '.replace("-", MINUS)', "", SENTENCES + "::test_fields_are_written_as_people_read_them"),
    Mutation("report/words/__init__.py", "self.titles.get(value, value)", "value", SENTENCES + "::test_titles_and_units_are_told_in_the_language_of_the_page"),
    Mutation("report/words/__init__.py", 'f"{key}.one" if single', "key if single", SENTENCES + "::test_a_finding_from_a_file_is_told_and_words_of_a_person_stay"),
    Mutation("report/words/ko.toml", '"reason.few"', '"reason.fewer"', SENTENCES + "::test_both_languages_hold_the_same_keys_line_by_line"),
    Mutation("report/words/ko.toml", "{needed}개가 필요합니다", "필요합니다", SENTENCES + "::test_both_languages_say_the_same"),
    Mutation("judge/checks.py", '"value": -weakest.value', '"value": weakest.value', VERDICT + "::test_each_check_says_what_it_found"),
    Mutation("judge/causes.py", "self.a if a == self.b else self.b", "self.b", "tests/metrics/test_causes.py::test_the_method_without_a_unit_is_named_first_whichever_was_asked_first"),
    Mutation("report/findings.py", "* max(own_b[k], 0.0)", "* max(own_a[k], 0.0)", "tests/report/test_report_page.py::test_agreement_is_read_against_its_ceiling"),
    Mutation("report/predictions.py", "float(rest.sum())", "float(1 - rest.sum())", NUMBERS + "::test_the_bars_are_the_likeliest_classes_the_true_one_and_the_rest"),
    Mutation("report/measures.py", 'told.get("centre") == "median"', 'told.get("centre") == "mode"', NUMBERS + "::test_a_gap_is_told_by_its_median_and_other_measures_by_their_mean"),
    Mutation("report/page.py", "[: MOST_CASES // 2]", "[:MOST_CASES]", NUMBERS + "::test_at_most_half_of_the_cards_are_wrong_answers_and_all_keep_their_order"),
    Mutation("report/columns.py", "categories[int(x)])", "categories[int(x) - 1])", NUMBERS + "::test_a_table_lists_the_eight_strongest_and_sums_the_rest"),
    Mutation("report/table_case.py", "mine.shown(e)[rest].sum()", "mine.shown(e)[kept].sum()", NUMBERS + "::test_a_table_lists_the_eight_strongest_and_sums_the_rest"),
    Mutation("report/blocks/choice.py", "for x in e) / len(e))", "for x in e))", NUMBERS + "::test_costs_are_means_over_the_samples"),
    Mutation("report/facts.py", "sum(findings.is_wrong(i) for", "sum(not findings.is_wrong(i) for", NUMBERS + "::test_the_heads_facts_are_counted_from_the_run"),
    Mutation("report/facts.py", "digest.update(np.ascontiguousarray(e.values).tobytes())", "pass", NUMBERS + "::test_a_fingerprint_follows_numbers_and_configuration"),
    Mutation("report/templates/view_text.html.j2", "{{ x.text }}", "{{ x.text|safe }}", ESCAPES + "::test_words_that_are_folded_away_are_text_too"),
    Mutation("report/templates/sample.html.j2", "{{ b.name }}", "{{ b.name|safe }}", ESCAPES + "::test_words_that_are_folded_away_are_text_too"),
    Mutation("report/templates/folds.html.j2", "{{ r.remedy }}", "{{ r.remedy|safe }}", ESCAPES + "::test_no_text_of_a_run_opens_an_element[image-en]"),
    Mutation("report/templates/index.html.j2", "{{ e.title }}</a></h2>", "{{ e.title|safe }}</h2>", ESCAPES + "::test_no_text_of_the_index_opens_an_element"),
    Mutation("report/charts.py", "escape(_plain(value))", "_plain(value)", ESCAPES + "::test_no_text_of_a_run_opens_an_element[series-en]"),
    # nets in threads and in other types, layers that are changed in place
    Mutation("models/modes.py", "with alone:\n        training", "if True:\n        training", THREADS),
    Mutation("models/modes.py", "set_fastpath_enabled(fast)", "set_fastpath_enabled(True)", THREADS + "::test_an_error_inside_leaves_no_trace"),
    Mutation("models/cam_layer.py", "return cells.clone()", "return cells", INPLACE + "::test_a_step_in_place_behind_the_layer_changes_nothing"),
    Mutation("models/cam_layer.py", "if calls < uses:", "if calls > 1:", INPLACE + "::test_the_last_use_is_what_the_automatic_choice_explains"),
    Mutation("models/attention.py", "max(_TOLERANCE, 4 * torch.finfo(model.parts.dtype).eps)", "_TOLERANCE", DTYPES + "::test_every_method_answers_as_in_float32"),
    Mutation("models/neural.py", "at if at.dtype == dtype else at.to(dtype)", "at", DTYPES + "::test_every_method_answers_as_in_float32"),
    # error bars of estimates that fit all they have seen
    Mutation("shapley/evidence.py", "64 * np.finfo(float).eps", "1.0", EVIDENCE),
    Mutation("shapley/evidence.py", "if estimate.std.max() > ROUNDING * largest", "if estimate.std.max() >= 0", EVIDENCE),
    Mutation("shapley/evidence.py", "if estimate.exact or every", "if estimate.exact", ESTIMATORS + "/test_estimator_peers.py::test_all_coalitions_give_exact_values_without_error"),
    # what numbers are, and whether they are of one row alone
    Mutation("models/outputs.py", "    if inside and sums:\n        return", "    if inside:\n        return", OUTPUTS + "::test_rows_that_could_be_two_things_are_asked_about"),
    Mutation("models/outputs.py", "torch.where(found.isneginf(), np.log(_LEAST), found)", "found", OUTPUTS + "::test_a_log_probability_of_nothing_is_that_of_the_least_probability"),
    Mutation("models/outputs.py", "first = 1 - second", "first = second", OUTPUTS + "::test_one_column_is_about_the_second_of_two_classes"),
    Mutation("models/trial.py", ", _gap(turned, np.concatenate(alone[::-1]))]", "]", BATCH + "::test_dependence_is_measured_in_both_orders_and_beside_a_longer_text"),
    Mutation("models/trial.py", "max(gaps)", "min(gaps)", BATCH + "::test_dependence_is_measured_in_both_orders_and_beside_a_longer_text"),
    Mutation("models/estimators.py", '("score_samples", "decision_function")', '("decision_function", "score_samples")', DOOR + "::test_an_outlier_detector_is_explained_by_its_score"),
    Mutation("models/estimators.py", "rows[:, classes.index(1)]", "rows[:, 0]", OUTPUTS + "::test_estimators_of_several_labels"),
    # names, words and tasks
    Mutation("core/labels.py", "known.index(name) for name in given", "given.index(name) for name in known", DOOR + "::test_each_name_gets_the_probability_of_its_own_label_in_any_order"),
    Mutation("core/labels.py", 'labels.dtype.kind in "iu" and', 'labels.dtype.kind in "iuf" and', DOOR + "::test_places_are_none_where_it_cannot_be_known"),
    Mutation("core/words.py", '" " if before and after else', '" " if before or after else', TEXTS + "::test_what_is_removed_is_the_words_and_nothing_else"),
    Mutation("core/words.py", "return [x.saying(row) for row in rows] if isinstance(x, Text) else rows", "return rows", TEXTS + "::test_mask_words_stand_where_the_words_stood"),
    Mutation("tasks/classification.py", "np.asarray(expit(scores))", "np.asarray(softmax(scores, axis=1))", TASKS + "::test_labels_have_probabilities_of_their_own"),
    Mutation("tasks/classification.py", "return len(self.outputs) > 1", "return len(self.outputs) > 2", TASKS + "::test_rivals"),
    Mutation("tasks/base.py", "if len(held) != 1:", "if len(held) < 1:", TASKS + "::test_the_target_label_of_several_labels"),
    Mutation("tasks/regression.py", 'if target.space != "value":', "if False:", TASKS + "::test_values_are_asked_by_name"),
    # files and folders
    Mutation("core/folders.py", '.strip(" .-")', '.strip(" -")', FOLDERS + "::test_a_plain_name_stays_and_an_odd_one_becomes_one_file"),
    Mutation("core/folders.py", 'return f"{plain}~{total}{ending}"', 'return f"{plain}{ending}"', FOLDERS + "::test_a_plain_name_stays_and_an_odd_one_becomes_one_file"),
    Mutation("core/folders.py", "record.get(self.cover) != _seal(facts)", "False", FOLDERS + "::test_a_file_that_was_changed_is_refused_and_stays"),
    Mutation("core/folders.py", "return [*others, self.cover] if whole else []", "return [*others, self.cover]", FOLDERS + "::test_a_file_that_was_changed_is_refused_and_stays"),
    Mutation("core/folders.py", "if not (ours or force):", "if False:", FOLDERS + "::test_pages_overwrite_pages_and_nothing_else"),
    Mutation("core/files.py", "if total > allowance(size, spare):", "if False:", "tests/core/test_files.py::test_a_bomb_is_refused_before_it_goes_off"),
    Mutation("core/files.py", "math.prod(shape) * item != len(data) - end or", "", "tests/core/test_files.py::test_an_array_that_is_not_what_it_declares_is_refused"),
    Mutation("core/files.py", "if len(names) < len(entries):", "if False:", "tests/core/test_files.py::test_a_zip_that_is_damaged_is_refused"),
    Mutation("core/typed.py", "if kind in (int, float) and isinstance(value, bool):", "if False:", "tests/core/test_typed.py::test_a_value_of_another_type_does_not"),
    # what the data know, in which order, with which weights, and what fails
    Mutation("study/naming.py", 'if mine["name"] != column.name:', "if False:", "tests/study/test_study.py::test_a_model_of_other_columns_or_classes_is_refused_by_both_names"),
    Mutation("study/naming.py", "return mine if mine == theirs else theirs", "return mine", "tests/study/test_study.py::test_numbers_are_no_names_of_classes"),
    Mutation("study/quality.py", 'labels = data.labels("train")', 'labels = data.labels("test")', "tests/study/test_study.py::test_the_answer_that_never_looks_is_that_of_the_training_rows"),
    Mutation("study/failures.py", '"not_applicable" if isinstance(error, NotApplicable) else "error"', '"error"', "tests/study/test_study.py::test_a_method_that_does_not_apply_to_one_sample_did_not_break"),
    Mutation("data/dataset.py", "for i in np.sort(drawn)", "for i in drawn", ORDER + "::test_samples_are_the_first_or_drawn_when_that_is_asked_for"),
    Mutation("data/rows.py", "np.flatnonzero(chosen == split)", "rng.permutation(np.flatnonzero(chosen == split))", ORDER + "::test_a_given_test_file_keeps_its_order"),
    Mutation("models/objectives.py", "raw, truth, weight=weights", "raw, truth, weight=None", "tests/study/test_compare.py::test_weights_act_on_every_kind_of_model_alike[mlp]"),
    Mutation("report/predictions.py", "true and findings.is_wrong(i) else name", "true else name", "tests/report/test_report_tasks.py::test_the_page_of_several_labels"),
    Mutation("study/context.py", 'how = "drawn" if drawn is not None and how != "all" else how', "pass", "tests/study/test_study.py::test_how_the_samples_were_taken_is_told"),
    Mutation("models/text.py", "removed[:, None], mask", "~removed[:, None], mask", "tests/models/test_models_wrap.py::test_gradients_of_words_with_pieces_start_from_as_many_mask_tokens"),
    Mutation("models/text.py", "masked_fill(~valid, free)", "masked_fill(valid, free)", "tests/models/test_models_wrap.py::test_a_decoder_without_padding_token_reads_each_text_to_its_own_end"),
    Mutation("modalities/text.py", '"Mn", "Mc", "Me", "Cf"', '"Mn", "Me", "Cf"', "tests/modality/test_modality_text.py::test_words_of_every_script_are_whole"),
    Mutation("models/reading.py", "if p.kind in places][1:2]", "if p.kind in places][0:1]", BATCH + "::test_a_score_that_depends_on_the_batch_is_refused[padding]"),
    # pairs, words, answers and pictures of Hugging Face folders
    Mutation("models/huggingface_text.py", "len(parts[0]) + len(PART)", "len(parts[0])", TWO_TEXTS + "::test_words_of_both_texts_are_removed_as_by_hand[roberta]"),
    Mutation("models/text.py", "named[self.types_as] = batch.types", "named[self.types_as] = 0 * batch.types", TWO_TEXTS + "::test_a_pair_is_scored_as_transformers_scores_it[bert]"),
    Mutation("models/composing.py", "self.batch.lengths, told)", "self.batch.lengths)", TWO_TEXTS + "::test_texts_of_one_length_that_part_elsewhere_share_no_pass"),
    Mutation("core/words.py", "Text(words, self.gaps, self.asked)", "Text(words, self.gaps)", WORD_HEADS + "::test_the_word_stays_the_one_that_was_chosen"),
    Mutation("models/huggingface_heads.py", "np.where(label != outside, best, -1)", "best", WORD_HEADS + "::test_words_and_answers_by_numbers_that_can_be_read"),
    Mutation("models/huggingface_heads.py", "known[asked[1]][-1]", "known[asked[1]][0]", WORD_HEADS + "::test_words_and_answers_by_numbers_that_can_be_read"),
    Mutation("models/huggingface_heads.py", 'each.masked_fill(~batch.valid, -float("inf"))', "each", WORD_HEADS + "::test_a_padded_batch_scores_each_as_alone"),
    Mutation("models/huggingface_pixels.py", "batch.at.flip(1)) if self.turned", "batch.at) if self.turned", PICTURES + "::test_order_and_scale_of_channels_are_those_of_the_folder"),
    # planted by one who had not looked at the tests
    Mutation("judge/causes.py", "interval[0] <= INTERACTING", "interval[1] <= INTERACTING", RULES + "::test_an_interval_across_the_limit_traces_nothing"),
    Mutation("tasks/regression.py", "np.abs(truth - scores).mean()", "np.square(truth - scores).mean()", SPLITS + "::test_a_regressor_is_measured_by_r2_and_the_mean_absolute_error"),
    Mutation("metrics/base.py", '"n": len(known)', '"n": len(values)', "tests/metrics/test_metrics_means.py"),
    Mutation("report/text_case.py", "inside[inside >= 0]", "inside[inside > 0]", NUMBERS + "::test_a_fold_sums_every_word_that_it_hides"),
    Mutation("report/strips.py", "100 * (b - a) / len(line)", "100 * b / len(line)", NUMBERS + "::test_hatching_of_a_strip_stands_where_the_evidence_is_against"),
    Mutation("report/image_case.py", "shape or height / width, 1 / THINNEST", "shape or width / height, 1 / THINNEST", NUMBERS + "::test_a_picture_keeps_its_own_height_and_width"),
    Mutation("app/options.py", "int(text) < 4", "int(text) <= 4", WORDS + "::test_a_budget_is_auto_or_a_whole_number_from_4"),
    Mutation("study/plan.py", "for i in range(len(some)) for block in by_method]", "for block in by_method for i in range(len(some))]", FACTS + "::test_explanations_come_sample_by_sample_in_the_order_of_the_methods"),
    Mutation("core/target.py", "which = self.which if rows is None else self.which[rows]", "which = self.which if rows is None else self.which[: len(scores)]", "tests/study/test_blocks.py::test_a_block_says_what_each_sample_says_alone"),
    Mutation("core/questions.py", "parts = {name: getattr(self, name)[i] for name in _EACH}", "parts = {name: getattr(self, name)[: len(range(*i.indices(len(self))))] for name in _EACH}", "tests/study/test_blocks.py::test_questions_of_a_block_are_made_when_looked_at"),
    Mutation("methods/base.py", "questions.empties[:] = means[questions.targets.which]", "questions.empties[:] = means[0]", "tests/study/test_blocks.py::test_a_block_says_what_each_sample_says_alone"),
    Mutation("methods/path.py", "self.bases[torch.as_tensor(ways % len(self.bases), device=device)]", "self.bases[torch.as_tensor(ways * 0, device=device)]", "tests/methods/test_methods_gradient.py"),
    Mutation("core/explanations.py", "self.targets[rows])", "self.targets)", "tests/core/test_explanations.py"),
    Mutation("study/given.py", "held.index(name)", "names.index(name)", "tests/study/test_blocks.py::test_a_frame_is_read_by_the_names_of_its_columns"),
    Mutation("tasks/classification.py", "2 * both / named", "both / named", TASKS + "::test_quality_of_labels"),
    Mutation("tasks/regression.py", "less that of '{self.outputs[target.against]}'", "less that of '{self.outputs[target.index]}'", TASKS + "::test_values_are_told_by_name"),
    Mutation("core/words.py", "zip(self.gaps, lengths, strict=False)", "zip(self.gaps[1:], lengths, strict=False)", TEXTS + "::test_each_word_stands_at_its_span"),
    Mutation("core/words.py", "return gaps[0] if before < 0 else gaps[-1]", "return gaps[-1] if before < 0 else gaps[0]", TEXTS + "::test_what_is_removed_is_the_words_and_nothing_else"),
    Mutation("study/naming.py", "    if theirs == numbers:\n        return mine", "    if theirs == numbers:\n        return theirs", "tests/study/test_study.py::test_numbers_are_no_names_of_classes"),
    Mutation("study/quality.py", "if low > 0 and high > ROPE:", "if low > ROPE:", QUALITY + "::test_the_verdict_follows_the_interval_and_the_band_that_does_not_matter"),
    Mutation("models/trial.py", "gaps.append(_gap(scores([short, a, b])[:1], scores([short])))", "pass", BATCH + "::test_dependence_is_measured_in_both_orders_and_beside_a_longer_text"),
    Mutation("models/estimators.py", "else np.zeros(len(rows))", "else np.ones(len(rows))", OUTPUTS + "::test_a_label_that_was_never_seen_and_an_output_that_is_no_label"),
    Mutation("core/folders.py", "for name in reversed(old):", "for name in old:", FOLDERS + "::test_a_folder_that_is_left_half_way_is_none_of_ours"),
    Mutation("models/outputs.py", "first = (-torch.expm1(second))", "first = (1 - second)", OUTPUTS + "::test_one_column_is_about_the_second_of_two_classes"),
    Mutation("report/predictions.py", "float(rest.max())", "float(rest.sum())", "tests/report/test_report_tasks.py::test_labels_that_have_no_bar_are_told_by_the_largest"),
    Mutation("report/case.py", "e.std / end if end > 0 else e.std", "e.std", "tests/report/test_report_scales.py::test_methods_that_hold_set_the_shared_end_and_each_has_its_own"),
    Mutation("report/case.py", "for e in trusted or sharing.values()", "for e in sharing.values()", "tests/report/test_report_scales.py::test_methods_that_hold_set_the_shared_end_and_each_has_its_own"),
    Mutation("report/figures.py", "np.cumsum([0.0, *(row.value for row in rows[:-1])])", "np.cumsum([row.value for row in rows])", "tests/report/test_report_notebook.py::test_a_waterfall_goes_from_nothing_to_the_output"),
    Mutation("report/single.py", "float(self.shown[others].sum())", "float(self.shown[order].sum())", "tests/report/test_report_notebook.py::test_many_columns_become_one_row_that_keeps_the_sum"),
    Mutation("report/notebook.py", "start, end = sorted((0.0, value))", "start, end = 0.0, abs(value)", "tests/report/test_report_notebook.py::test_a_card_of_a_row_holds_every_number"),
    Mutation("modalities/series.py", "most // n_channels if apart", "most if apart", "tests/metrics/test_metrics_segmentation.py"),
    Mutation("modalities/table.py", "np.where(codes | np.isnan(wide), 0.0, wide)", "wide", "tests/metrics/test_metrics_sanity.py"),
    Mutation("modalities/image.py", "return x.clip(0.0, 1.0)", "return x", "tests/metrics/test_metrics_sanity.py"),
    Mutation("modalities/series.py", "sigma = len(x) / 10", "sigma = len(x) / 20", "tests/modality/test_modality_series.py::test_blur_runs_along_time_only"),
    Mutation("models/store.py", '"centre": np.asarray(model.centre).tolist()', '"centre": 0.0', "tests/models/test_models_checkpoint.py::test_a_regressor_comes_back_in_its_units"),
    Mutation("modalities/rows.py", "apart.sum(axis=1) - furthest", "apart.sum(axis=1)", "tests/modality/test_modality_tabular.py::test_the_nearest_rows_forgive_the_column_that_is_furthest_off"),
    Mutation("judge/shares.py", "if fine and share.max() <= 0.5:", "if fine:", "tests/study/test_findings.py::test_a_mark_that_is_finer_than_the_features_is_that_of_the_features_that_hold_it"),
    Mutation("judge/shares.py", "return self.mass if", "return self.support if", "tests/study/test_findings.py::test_a_region_of_a_value_is_judged_by_all_that_moves_it"),
    Mutation("models/zoo/transformer.py", "self.entry.weight *= math.sqrt(width)", "self.entry.weight *= 0.5", "tests/models/test_models_training.py::test_a_word_enters_a_transformer_as_large_as_its_place"),
    Mutation("models/training.py", "architecture.recipes.get(data.task, architecture.recipes[inputs])", "architecture.recipes[inputs]", "tests/models/test_models_training.py::test_a_decoder_learns_the_next_word_by_its_own_recipe"),
    Mutation("report/image_case.py", "find_objects(label(inside)[0])", "find_objects(inside.astype(int))", "tests/report/test_report_case.py::test_a_place_is_told_within_the_marked_one_that_holds_it"),
    Mutation("modalities/rows.py", "np.linspace(0, len(rows) - 1, n)", "np.linspace(0, len(rows) - n, n)", "tests/modality/test_modality_tabular.py::test_rows_are_the_backgrounds_own_up_to_fifty"),
    Mutation("study/context.py", 'np.stack(data.inputs("train"))', 'np.stack(data.inputs("test"))', FACTS + "::test_the_usual_range_of_a_column_is_that_of_the_training_rows"),
    Mutation("models/grids.py", "x.movedim(-1, 1).contiguous()", "x.movedim(-1, 1).flip(2).contiguous()", VIDEOS + "::test_a_linear_net_gives_the_credit_that_is_worked_by_hand"),
    Mutation("modalities/video.py", "along = np.arange(n) * k // n", "along = np.arange(n)[::-1] * k // n", VIDEOS + "::test_blocks_frames_and_patches_are_cut_by_hand"),
    Mutation("modalities/image.py", "(*[0] * (x.ndim - 3), sigma", "(*[sigma] * (x.ndim - 3), sigma", VIDEOS + "::test_what_stands_in_for_a_block"),
    Mutation("report/sheet.py", "transpose(0, 2, 1, 3)", "transpose(0, 2, 1, 3)[:, :, ::-1]", VIDEOS + "::test_a_sheet_shows_frames_in_reading_order"),
    Mutation("models/parts.py", "np.moveaxis(own, -1, 0).reshape(-1)", "own.reshape(-1)", PARTS + "::test_shapley_values_equal_brute_force_over_both_parts"),
    Mutation("models/parts_model.py", "len(read) != 1 or", "len(read) > 2 or", PARTS + "::test_a_map_lies_on_the_part_that_its_layer_reads"),
    Mutation("modalities/parts.py", "else slot.kind.maskers[0]", "else slot.kind.maskers[1]", PARTS + "::test_functions_of_several_inputs"),
    Mutation("methods/cam.py", "np.isnan(map_) & (cut.ids >= 0)", "np.isnan(map_) & (cut.ids < -1)", PARTS + "::test_a_map_lies_on_the_part_that_its_layer_reads"),
    # boxes and regions
    Mutation("tasks/detection.py", "return log_odds(top(p * (near * here + (1 - here)), 1), LEAST)", "return log_odds(top(p, 1), LEAST)", DETECTION + "::test_the_number_of_a_class_is_read_at_its_best_box"),
    Mutation("tasks/boxes.py", "and not taken[best]:", "and len(taken):", DETECTION + "::test_a_true_box_is_found_once_and_by_its_class"),
    Mutation("tasks/boxes.py", "best = np.maximum.accumulate(precision[::-1])[::-1]", "best = precision", DETECTION + "::test_average_precision_by_hand"),
    Mutation("tasks/segmentation.py", "inside = raw[:, :, found.at[k]]", "inside = raw[:, :, found.at[0]]", REGIONS + "::test_the_number_of_a_class_is_read_in_its_region"),
    Mutation("models/cam_layer.py", "if math.prod(e.shape[2:]) == fewest", "if math.prod(e.shape[2:]) >= fewest", REGIONS + "::test_an_own_net"),
    Mutation("study/study.py", "_answered(model, questions)", "_answered(questions[0].model, questions)", DETECTION + "::test_a_run_keeps_boxes_and_labels"),
    Mutation("tasks/generation.py", "return -both / (down + LEAST)", "return both / (down + LEAST)", GENERATION + "::test_properties_by_hand"),
    Mutation("tasks/generation.py", "joined([PROPERTIES.get(name)(made)[:, None] for name in self.outputs], 1)", "joined([PROPERTIES.get(name)(made)[:, None] for name in self.outputs[::-1]], 1)", GENERATION + "::test_the_latents_that_decide_are_found_exactly[occlusion]"),
    Mutation("models/realism.py", "np.trace(first + second) - 2 * both", "np.trace(first + second) - both", GENERATION + "::test_the_distance_of_two_normal_laws"),
    Mutation("data/pulses.py", "heights[which] * widths[which]", "heights[1 - which] * widths[which]", SERIES + "::test_the_value_is_the_area_of_what_is_planted"),
    Mutation("models/baselines.py", "slope = (x * time).sum(axis=1) / (time**2).sum()", "slope = (x * time).sum(axis=1)[:, ::-1] ** 2", SERIES + "::test_five_numbers_a_channel_on_a_straight_line"),
    Mutation("data/annotations.py", "return name, x0 - 1, y0 - 1, x1, y1", "return name, x0, y0, x1, y1", ANNOTATED + "::test_each_form_gives_the_same_boxes"),
    Mutation("data/annotations.py", 'or ".." in path.parts', "", ANNOTATED + "::test_no_picture_is_taken_from_outside"),
    # frames and missing values
    Mutation("models/frames.py", "return np.asarray(table[codes])", "return np.asarray(table[codes - 1])", FRAMES + "::test_what_is_decoded_is_what_was_given"),
    Mutation("models/frames.py", "known[value] = len(words)", "known[value] = 0", FRAMES + "::test_a_text_column_is_one_feature"),
    Mutation("models/frames.py", "listed = [known.get(word, word) for word in theirs]", "listed = list(own)", FRAMES + "::test_a_saved_pipeline_reads_frames_and_files_again"),
    Mutation("models/wiring.py", "alone = len(taken) == 1 and", "alone = len(taken) >= 1 and", FRAMES + "::test_a_pipeline_on_a_frame_in_three_lines"),
    Mutation("modalities/table.py", "known = values[~np.isnan(values)]", "known = values", TABULAR),
    Mutation("modalities/given.py", "& ~(gone & mine), apart) ** 2", ", apart) ** 2", TABULAR),
    Mutation("study/flip/result.py", 'Finding("table.missing") if value != value', 'Finding("table.missing") if value == value', FRAMES + "::test_a_change_to_or_from_a_missing_value_is_told_in_words"),
    Mutation("data/tables.py", "gaps = _gaps(name, sheets) if keep else ()", "gaps = ()", "tests/data/test_data_csv.py::test_gaps_that_are_kept_are_values_of_their_own"),
    # own models of every task
    Mutation("models/modes.py", "output.register_hook(torch.Tensor.contiguous)", "pass", "tests/models/test_models_odd_nets.py::test_the_gradient_of_a_single_input_behind_a_normalisation_is_that_of_finite_differences"),
    Mutation("models/neural.py", "if self.task.again else at", "if False else at", BROUGHT + "::test_a_series_that_is_made_again_is_held_against_what_the_net_was_given"),
    Mutation("tasks/reconstruction.py", "if own != wanted or len(raw)", "if len(raw)", BROUGHT + "::test_what_is_not_the_inputs_again_is_refused"),
    Mutation("tasks/segmentation.py", "joined((0 * raw, raw), 1)", "joined((raw, 0 * raw), 1)", BROUGHT + "::test_one_logit_a_pixel_is_that_of_the_second_class"),
    Mutation("tasks/arrays.py", "if found.size and ((found >= 0) & (found <= 1)).all():", "if False:", BROUGHT + "::test_probabilities_of_pixels_are_no_logits"),
    Mutation("data/annotations.py", "if _folders(picture) == _folders(at)", "if True", ANNOTATED + "::test_pictures_of_one_name_keep_their_own_boxes"),
    Mutation("data/forecasts.py", "if not 0 < len(wide) <= max(1, RARE * len(steps)):", "if True:", "tests/tasks/test_tasks_forecasting.py::test_gaps_and_times_that_stand_twice_are_refused"),
    Mutation("data/moments.py", "every = [False, True]", "every = [False]", CHOOSING + "::test_days_may_stand_before_months"),
    Mutation("app/brought.py", "options |= _meant(data)", "options |= {'classes': data.classes}", BROUGHT + "::test_a_detector_of_one_class_and_what_a_factory_gives_by_the_task_of_its_data"),
    Mutation("study/run.py", 'classes=() if task.name == "regression" and not task.many else task.outputs,', 'classes=() if task.words == "value" else task.outputs,', BROUGHT + "::test_pages_of_tasks_with_one_number"),
)  # fmt: skip


def lost(mutation: Mutation) -> str:
    """What a bug cannot find any more: its line, or one of its tests; "" when all are there."""
    file = ROOT / "xaikit" / mutation.file
    if not file.is_file() or mutation.old not in file.read_text(encoding="utf-8"):
        return f"{mutation.file} has no {mutation.old!r}"
    for test in mutation.tests.split():
        place, _, name = test.partition("::")
        found = ROOT / place
        if not found.exists() or (
            name and f"def {name.partition('[')[0]}(" not in found.read_text()
        ):
            return f"there is no {test}"
    return ""


def caught(mutation: Mutation) -> bool:
    """Whether a test fails on a copy of the package with the bug planted."""
    if missing := lost(mutation):
        raise LookupError(missing)
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for name in ("xaikit", "tests", "benchmarks"):
            shutil.copytree(ROOT / name, copy / name)
        shutil.copy(ROOT / "pyproject.toml", copy)
        file = copy / "xaikit" / mutation.file
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(mutation.old, mutation.new, 1), encoding="utf-8")
        os.utime(file, (0, 0))  # no compiled copy of the sound file is this one's
        process = PLACES.Process(target=_tested, args=(place, mutation.tests.split()))
        process.start()
        process.join()
        if process.exitcode not in (TOLD, TOLD + 1):
            told = copy / "told"
            raise RuntimeError(told.read_text(encoding="utf-8") if told.exists() else "no test ran")
        return process.exitcode == TOLD + 1


def _tested(place: str, tests: list[str]) -> None:
    """Run tests in a copy of the package, and leave with what pytest says of them."""
    told = os.open(Path(place) / "told", os.O_WRONLY | os.O_CREAT)
    os.dup2(told, 1)
    os.dup2(told, 2)
    os.chdir(place)
    sys.path.insert(0, place)
    os.environ.update(PYTHONPATH=place, XAIKIT_SHARED="absent", OMP_NUM_THREADS="1")
    told_by = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
    sys.exit(TOLD + int(told_by))


if __name__ == "__main__":
    survivors = 0
    for each in MUTATIONS:
        found = caught(each)
        survivors += not found
        print(
            "caught  " if found else "SURVIVED",
            each.file,
            "|",
            each.old,
            "->",
            each.new,
            flush=True,
        )
    sys.exit(1 if survivors else 0)
