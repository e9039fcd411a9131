"""What the tests of a project need: tokens, clients that send them, an issuer that runs in the test's own process.

- `clients`: Django's test clients with `with_token`; `drf` and `ninja` have those of the frameworks.
- `issuer`: `FakeIssuer`, for resource servers alone. It needs no database. `served` puts one behind a real port.
- `tokens`, `factories`: tokens and rows of the authorization server in the same project. They import its models.
- `plugin`: pytest fixtures for all of it.

Nothing is imported here, since a project has only a part of what these need.
"""
