// Where assembly/ can go one way or another: the points that coverage counts, read from the sources of every file, so that a
// file which nothing imports is counted, too.
//
//   function   it was entered           case   of a switch, entered or fallen into        ?:   either side of it
//   then else  what an `if` came to,    loop   a body that was run at least once          &&   the right side of && and ||
//              written or not                                                                  was asked
//
// `counting` is a file with a call at each of its points: it does the same, and says where it was. Only bodies of functions have
// points: what stands outside is constant. A branch that a profile leaves out (assembly/profile.ts) is there in another one.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export type Kind = 'function' | 'then' | 'else' | 'case' | 'loop' | '?:' | '&&';

/** Its index in a list of points is what it is called by. */
export interface Point {
  file: string; // in assembly/
  line: number; // from 1
  kind: Kind;
  /** The line, without what is around it. */
  text: string;
}

export interface Source {
  file: string;
  points: Point[];
  /** The same file, which calls `coverage.reached` with the number of each point that it passes. */
  counting: string;
}

const IMPORT = "@external('coverage', 'reached') declare function __reached(point: i32): void;\n";

/** Text that is put in at an offset. At the same offset, what closes comes before what opens. */
interface Put {
  at: number;
  text: string;
  opens: boolean;
}

/** @param first the number of its first point */
function read(file: string, text: string, first: number): Source {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lines = text.split('\n');
  const points: Point[] = [];
  const puts: Put[] = [];
  const open = (at: number, what: string) => puts.push({ at, text: what, opens: true });
  const close = (at: number, what: string) => puts.push({ at, text: what, opens: false });

  function call(at: number, kind: Kind): string {
    const { line } = tree.getLineAndCharacterOfPosition(at);
    points.push({ file, line: line + 1, kind, text: lines[line]!.trim() });
    return `__reached(${first + points.length - 1})`;
  }
  function statement(node: ts.Statement, kind: Kind): void {
    open(node.getStart(), `{ ${call(node.getStart(), kind)}; `);
    visit(node);
    close(node.end, ' }');
  }
  function expression(node: ts.Expression, kind: Kind): void {
    open(node.getStart(), `(${call(node.getStart(), kind)}, `);
    visit(node);
    close(node.end, ')');
  }
  // Opening texts are put from outside inwards, closing ones from inside outwards: each before or after its node is visited.
  function visit(node: ts.Node): void {
    if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) {
      if (!node.body) return;
      open(node.body.getStart() + 1, ` ${call(node.name!.getStart(), 'function')};`);
      ts.forEachChild(node.body, visit);
    } else if (ts.isIfStatement(node)) {
      visit(node.expression);
      statement(node.thenStatement, 'then');
      if (!node.elseStatement) close(node.end, ` else { ${call(node.getStart(), 'else')}; }`);
      else if (ts.isIfStatement(node.elseStatement)) visit(node.elseStatement);
      else statement(node.elseStatement, 'else');
    } else if (ts.isIterationStatement(node, false)) {
      ts.forEachChild(node, (child) => (child === node.statement ? statement(node.statement, 'loop') : visit(child)));
    } else if (ts.isCaseOrDefaultClause(node)) {
      open(node.statements.pos, ` ${call(node.getStart(), 'case')};`);
      node.statements.forEach(visit);
    } else if (ts.isConditionalExpression(node)) {
      visit(node.condition);
      expression(node.whenTrue, '?:');
      expression(node.whenFalse, '?:');
    } else if (ts.isBinaryExpression(node) && isLogic(node.operatorToken.kind)) {
      visit(node.left);
      expression(node.right, '&&');
    } else ts.forEachChild(node, visit);
  }
  for (const outside of tree.statements) {
    if (ts.isFunctionDeclaration(outside)) visit(outside);
    if (ts.isClassDeclaration(outside)) outside.members.filter(ts.isMethodDeclaration).forEach(visit);
  }

  let counting = '';
  let from = 0;
  const order = puts.map((put, i) => ({ ...put, i }));
  order.sort((a, b) => a.at - b.at || Number(a.opens) - Number(b.opens) || a.i - b.i);
  for (const put of order) {
    counting += text.slice(from, put.at) + put.text;
    from = put.at;
  }
  counting += text.slice(from);
  return { file, points, counting: points.length === 0 ? text : counting + IMPORT };
}

const isLogic = (kind: ts.SyntaxKind) =>
  kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken;

/** Every file of assembly/, sorted; their points are numbered through. */
export function sourcesOf(root: string): Source[] {
  const names = readdirSync(join(root, 'assembly'), { recursive: true, encoding: 'utf8' });
  const sources: Source[] = [];
  let first = 0;
  for (const file of names.filter((name) => name.endsWith('.ts')).sort()) {
    const source = read(file, readFileSync(join(root, 'assembly', file), 'utf8'), first);
    first += source.points.length;
    sources.push(source);
  }
  return sources;
}
