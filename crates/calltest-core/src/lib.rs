//! What a call test means and how it is judged: plan, numbers, DTMF, hangup causes, evidence, verdicts.
