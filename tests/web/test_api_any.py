"""Whatever a program sends, it is answered as the interface describes (schemathesis, bounded)."""

from __future__ import annotations

import pytest

from tests.web.desk import Camp, TestDesk

pytestmark = pytest.mark.full

EXAMPLES = 60


def test_the_interface_keeps_its_word(tmp_path):
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings

    camp = Camp(TestDesk(tmp_path))
    with camp.phone() as phone:
        schema = schemathesis.openapi.from_dict(phone.get("/api/openapi.json").json())
        operations = [result.ok() for result in schema.get_all_operations()]
        assert {(operation.method, operation.path) for operation in operations} == {
            ("get", "/healthz"),
            ("get", "/api/v1/status"),
            ("get", "/api/v1/channels"),
            ("get", "/api/v1/messages"),
            ("post", "/api/v1/messages"),
        }
        for operation in operations:

            @given(case=operation.as_strategy())
            @settings(
                max_examples=EXAMPLES,
                database=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
            def ask(case):
                sent = case.as_transport_kwargs(base_url=str(phone.base_url))
                answer = phone.request(
                    sent["method"],
                    sent["url"],
                    params=sent.get("params"),
                    headers={name: str(value) for name, value in (sent.get("headers") or {}).items()},
                    json=sent.get("json"),
                )
                assert answer.status_code < 500
                case.operation.validate_response(answer)

            ask()
