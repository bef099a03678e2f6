"""The use cases: each door calls one function here. Permissions, transactions' contents and messages live here, rules live in the domain."""
