"""Statistics of comparisons: the procedures P1 to P9 of the gate, on numpy and scipy alone.

P1 `paired_binary`, P2 `clustered`, P3 `multiplicity` with `comparing`, P4 `power`, P5 `sequential`, P6 `prediction_powered`,
P7 `agreement`, `bias` and `cusum`, P8 `ranking`, P9 `statement`. Every answer is a value or an InvalidInputError, never NaN.
"""
