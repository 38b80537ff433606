"""How the extractive reader reads: terms, what a question asks for, which unit answers it, and whether anything does.

terms      words of any script, folded and stemmed the same way for ever: the trained weights depend on it
question   what is asked: the type of the answer, content words, names, numbers, phrases
page       the passages cut into units with their terms
selecting  figures of a unit for being the answer
answering  figures of question and passages for being answerable at all
linear     weighs figures; the weights are data with their provenance
"""
