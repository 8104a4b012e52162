"""What a reader of files has to say: faults that stop it, and those that it forgave."""

from app.roster.incoming import Fault, Faulty

MOST_FAULTS = 50


class Notes:
    """Collects faults place by place. The fiftieth ends the reading: whoever mends a file mends some at a time."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._forgiven: dict[tuple[str, str, str], tuple[int, int]] = {}

    def fault(self, file: str, line: int, column: str, reason: str) -> None:
        """Raises Faulty when this is one too many."""
        self.faults.append(Fault(file, line, column, reason))
        if len(self.faults) >= MOST_FAULTS:
            raise Faulty(*self.faults)

    def forgive(self, file: str, line: int, column: str, reason: str) -> None:
        """The same reason in the same column is told once, with how often it came."""
        first, count = self._forgiven.get((file, column, reason), (line, 0))
        self._forgiven[file, column, reason] = first, count + 1

    def check(self) -> None:
        """Raises Faulty when there were faults."""
        if self.faults:
            raise Faulty(*self.faults)

    @property
    def forgiven(self) -> list[Fault]:
        return [
            Fault(file, line, column, reason if count == 1 else f"{reason} ({count:,} times, first here)")
            for (file, column, reason), (line, count) in self._forgiven.items()
        ]
