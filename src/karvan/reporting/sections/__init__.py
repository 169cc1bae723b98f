"""The sections of the report, one module a question, in the order a reader meets them."""
