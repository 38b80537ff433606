"""How a model writes an answer whose every sentence is checked.

packing     which passages the model is shown, whole and best first, within a budget of tokens
prompting   the prompt: built-in or a version of one's own, with documents fenced as what they are, untrusted text
talking     one model call as a recorded exchange, made live or fed back from the record
claims      what the model wrote, cut into sentences with the markers that belong to each
support     how far a stretch of a passage supports a sentence: figures and trained weights
verifying   each sentence against the passages: its quote, a corrected marker, or why it is not supported
condensing  a follow-up question made to stand alone
"""
