"""The `gatehouse` command. Each file here is one group of commands; heavy imports wait until a command runs."""

import typer

from app.cli import audit, bench, config, database, demo, develop, edubase, keys, operator, partner, school, serve

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="Gatehouse: school data, on the school's terms."
)
app.command()(demo.demo)
app.command()(serve.serve)
app.command()(serve.worker)
app.command()(develop.check)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(develop.test)
app.add_typer(database.app, name="db")
app.add_typer(edubase.app, name="edubase")
app.add_typer(operator.app, name="operator")
app.add_typer(partner.partners, name="partner")
app.add_typer(partner.apps, name="app")
app.add_typer(school.app, name="school")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(config.app, name="config")
app.add_typer(bench.app, name="bench")
