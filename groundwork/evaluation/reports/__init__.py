"""Reports of evaluations, comparisons and verdicts: HTML that stands alone, Markdown, JSON, forms that CI reads."""
