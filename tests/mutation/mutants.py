"""One wrong version of a module at a time: which there are, and how one is made.

A *site* is one operator, sign, comparison or number of the code that computes. Annotations,
decorators, what an error says (``raise`` statements) and text are no sites: a wrong word
there is no wrong physics. Each site has one mutant:

=========================  ================================================
``+  -  *  /  **  //``     ``-  +  /  *  *  /``
``%  @  &  |``             ``*  *  |  &``
``<  <=  ==  is  in``      ``>=  >  !=  is not  not in``, and the reverse
``and  or``                ``or  and``
``-x  not x``              ``+x  not not x``
number beside an operator  that number + 1
=========================  ================================================

After DeMillo, Lipton & Sayward, Hints on test data selection (1978).
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

from pulsephase.errors import ParameterError

BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
BOOLEAN: dict[type[ast.boolop], type[ast.boolop]] = {ast.And: ast.Or, ast.Or: ast.And}
SKIPPED_FIELDS = ("annotation", "returns", "decorator_list", "type_params")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module.

    Attributes:
        module: File name without its ending.
        function: Qualified name of the outermost function it lies in; empty at import time.
        line: Line number in the source, from 1.
        node: Number of the changed node in the walk of `nodes`.
        change: Which of the changes of that node, as `changes` lists them.
        label: What is changed to what, with the function, and ``#2`` at a second such place: it
            stays when lines move.
    """

    module: str
    function: str
    line: int
    node: int
    change: int
    label: str


def nodes(tree: ast.AST, function: str = "", scope: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Walk the code that computes, in source order, with the outermost function of each node."""
    if isinstance(tree, ast.Raise | ast.JoinedStr):
        return
    yield function, tree
    if isinstance(tree, ast.ClassDef) and not function:
        scope = f"{scope}{tree.name}."
    for name, value in ast.iter_fields(tree):
        inside = function
        if not function and name == "body" and isinstance(tree, ast.FunctionDef):
            inside = scope + tree.name
        if name not in SKIPPED_FIELDS:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from nodes(child, inside, scope)


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def changes(node: ast.AST) -> int:
    """Count the mutants of one node."""
    if isinstance(node, ast.BinOp):
        numbers = _is_number(node.left) + _is_number(node.right)
        return int(type(node.op) in BINARY) + numbers
    if isinstance(node, ast.Compare):
        return len(node.ops) + sum(map(_is_number, [node.left, *node.comparators]))
    if isinstance(node, ast.AugAssign):
        return int(type(node.op) in BINARY)
    if isinstance(node, ast.UnaryOp):
        return int(isinstance(node.op, ast.USub | ast.Not))
    return int(isinstance(node, ast.BoolOp))


def change(node: ast.AST, number: int) -> None:
    """Make one of the `changes` of a node, in place."""
    if isinstance(node, ast.BoolOp):
        node.op = BOOLEAN[type(node.op)]()
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.USub):
            node.op = ast.UAdd()
        else:
            node.operand = ast.UnaryOp(op=ast.Not(), operand=node.operand)
    elif isinstance(node, ast.Compare):
        if number < len(node.ops):
            node.ops[number] = COMPARE[type(node.ops[number])]()
        else:
            _raise_number([node.left, *node.comparators], number - len(node.ops))
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        operators = int(type(node.op) in BINARY)
        if number < operators:
            node.op = BINARY[type(node.op)]()
        elif isinstance(node, ast.BinOp):
            _raise_number([node.left, node.right], number - operators)


def _raise_number(operands: list[ast.expr], number: int) -> None:
    constant = [operand for operand in operands if _is_number(operand)][number]
    assert isinstance(constant, ast.Constant) and isinstance(constant.value, int | float)
    constant.value += 1


def mutants(source: str, *, module: str) -> list[Mutant]:
    """List every mutant of a module, in source order.

    Args:
        source: Its text.
        module: Its name, kept in the mutants.

    Example:
        >>> [mutant.label for mutant in mutants("def f(x): return -x * 2", module="m")]
        ['f: -x * 2 -> -x / 2', 'f: -x * 2 -> -x * 3', 'f: -x -> +x']
    """
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for index, (function, node) in enumerate(nodes(ast.parse(source))):
        for number in range(changes(node)):
            other = copy.deepcopy(node)
            change(other, number)
            label = f"{function or 'import'}: {ast.unparse(node)} -> {ast.unparse(other)}"
            seen[label] += 1
            again = f" #{seen[label]}" if seen[label] > 1 else ""
            found.append(
                Mutant(
                    module=module,
                    function=function,
                    line=getattr(node, "lineno", 0),
                    node=index,
                    change=number,
                    label=label + again,
                )
            )
    return found


def mutated(source: str, mutant: Mutant | None) -> ast.Module:
    """Return the syntax tree of a module with one mutant in it, or as it is."""
    tree = ast.parse(source)
    if mutant is not None:
        wrong = next(node for k, (_, node) in enumerate(nodes(tree)) if k == mutant.node)
        change(wrong, mutant.change)
    return ast.fix_missing_locations(tree)


def functions(code: CodeType) -> dict[str, CodeType]:
    """Map the qualified name of each function outside functions to its code, but for lambdas.

    Raises:
        ParameterError: If two have one name: which of them a test calls would not be known.
    """
    found: dict[str, CodeType] = {}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = {constant.co_qualname: constant}
            if not constant.co_flags & 0x02:  # no new locals: the body of a class
                inner = functions(constant)
            elif constant.co_name.startswith("<"):
                continue
            if found.keys() & inner.keys():
                raise ParameterError(f"two functions are called {min(found.keys() & inner.keys())}")
            found |= inner
    return found
