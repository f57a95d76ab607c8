"""Record the check that the notebook shows where there is no network: `python -m tests.checks.record`.

clinic.example of the sample archive, set up in the lab: two MX hosts, the second one's certificate about to expire.
Addresses and ports of the lab are written as the documentation's (192.0.2.0/24, no port).
"""

import json
from pathlib import Path

import mtasts_analysis as ma
from tests.checks.lab import Lab

TARGET = Path(ma.__file__).parent / "checks" / "recorded.json"
NOTE = "A recorded check of the made-up domain clinic.example, made in a lab: nothing was asked on the network just now."
POLICY = "version: STSv1\nmode: testing\nmx: mx1.clinic.example\nmx: mx2.clinic.example\nmax_age: 86400\n"


def main() -> None:
    with Lab() as lab:
        mx1 = lab.mx("mx1.clinic.example")
        mx2 = lab.mx("mx2.clinic.example", certificate=lab.leaf("mx2.clinic.example", days=11))
        lab.domain("clinic.example", mx="mx1.clinic.example", policy=POLICY)
        lab.records("clinic.example", "MX", "10 mx1.clinic.example.", "20 mx2.clinic.example.")
        config = lab.config(tls_versions=True)
        made = json.dumps(ma.check_domain("clinic.example", config=config).to_dict(), indent=1)
        for old, new in ((mx1, "192.0.2.20"), (mx2, "192.0.2.21"), ("127.0.0.2", "192.0.2.22")):
            made = made.replace(f'"{old}"', f'"{new}"').replace(f"[{old}]", f"[{new}]")
        made = made.replace(f":{lab.https_port}", "")
    assert "127.0.0" not in made
    made = json.dumps(json.loads(made) | {"note": NOTE}, indent=1) + "\n"
    ma.live.DomainCheck.from_dict(json.loads(made))
    TARGET.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
