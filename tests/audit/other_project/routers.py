"""Everything that these tests make has a database of its own, which is not the default one."""


class Elsewhere:
    def db_for_read(self, model: type, **hints: object) -> str:
        return "elsewhere"

    def db_for_write(self, model: type, **hints: object) -> str:
        return "elsewhere"

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == "elsewhere"
