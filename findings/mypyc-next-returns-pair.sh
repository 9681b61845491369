#!/usr/bin/env bash
# mypyc makes C that no compiler takes of a class whose __next__ returns a tuple of numbers; mypy --strict has no fault.
#
# Why it matters to an exchange: its matching core is compiled, and an iterator of (price, lots) is the natural way over
# a side of a book. The same class compiles with any other return type, and the same pairs from a generator. So a module
# that is typed and tested breaks the build of the whole compiled core, at the very end of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
command -v cc >/dev/null || { echo "needs a C compiler"; exit 1; }
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mypy==2.4.1 setuptools==84.2.1
cat > "$folder/pairs.py" <<'P'
class Pairs:
    def __init__(self, most: int) -> None:
        self.n = 0
        self.most = most

    def __iter__(self) -> "Pairs":
        return self

    def __next__(self) -> tuple[int, int]:
        if self.n == self.most:
            raise StopIteration
        self.n += 1
        return self.n, -self.n
P
sed 's/-> tuple\[int, int\]/-> list[int]/; s/return self.n, -self.n/return [self.n, -self.n]/' "$folder/pairs.py" > "$folder/lists.py"
cd "$folder"
"$folder/venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -E '^(mypy|setuptools) '
cc --version | head -1
echo "mypy --strict: $("$folder/venv/bin/mypy" --strict pairs.py)"
build() { (cd "$folder" && PATH="$folder/venv/bin:$PATH" mypyc "$1.py") > "$folder/$1.log" 2>&1; }
build lists || { echo "the class whose __next__ returns a list does not compile either"; tail -5 "$folder/lists.log"; exit 1; }
echo "__next__ returns a list: compiles"
if build pairs; then
  echo "__next__ returns a pair: compiles, so it is no longer so"
  exit 1
fi
echo "expected: __next__ that returns a pair compiles too. It does not:"
grep -m1 'incompatible pointer type' "$folder/pairs.log" | sed 's/^[^ ]*: //'
