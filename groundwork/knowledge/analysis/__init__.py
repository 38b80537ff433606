"""Analysis turns text into the terms that the lexical leg counts, alike for documents and questions.

`analyzer` is the front door; `segment` finds words in any script, `stem` reduces them, `stopwords` names
those that say nothing, `language` judges whether a text is English. All are pure and import no heavy library.
"""

from groundwork.knowledge.analysis.analyzer import Analyzer

__all__ = ["Analyzer"]
