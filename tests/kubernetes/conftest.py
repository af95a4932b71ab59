from pathlib import Path

import pytest

from tests.kubernetes.manifests import Object, copied, rendered


@pytest.fixture(scope="session")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of deploy/kubernetes with secrets in its overlays."""
    return copied(tmp_path_factory.mktemp("deploy"))


@pytest.fixture(scope="session")
def overlays(manifests: Path) -> dict[str, list[Object]]:
    """The objects of each overlay, and of those with a component that is by choice."""
    found = {overlay.name: rendered(overlay) for overlay in sorted((manifests / "overlays").iterdir())}
    for component in ("ingress",):
        chosen = manifests / "overlays" / f"with-{component}"
        chosen.mkdir()
        (chosen / "kustomization.yaml").write_text(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: folkmoot\n"
            f"resources: [../production]\ncomponents: [../../components/{component}]\n"
        )
        found[chosen.name] = rendered(chosen)
    return found
