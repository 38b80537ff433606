"""Walking the way: profile, progress, the next step, quizzes, attestations, reflections."""
