"""The scripts of our own pages agree with the API: TypeScript checks them against the types made of its document."""

from offline import OPENAPI, TOOLS, needs_node, run_offline


@needs_node
def test_the_scripts_of_the_pages_fit_the_types_of_the_api() -> None:
    checked = run_offline(TOOLS / "tsc", "--project", OPENAPI / "pages.tsconfig.json")
    assert checked.returncode == 0, checked.stdout


@needs_node
def test_every_script_that_is_served_is_checked() -> None:
    listed = run_offline(
        TOOLS / "tsc", "--project", OPENAPI / "pages.tsconfig.json", "--listFilesOnly"
    )
    folder = OPENAPI.parent / "api" / "pages" / "assets"
    own = {path for path in folder.rglob("*.js") if "vendor" not in path.parts}
    left_out = {str(path.relative_to(folder)) for path in own if str(path) not in listed.stdout}
    assert left_out == {"docs.js"}, "only what calls Swagger UI has no types to be checked by"
