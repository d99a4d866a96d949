/** Which methods each path takes, so that a wrong method is told from a wrong path. */
export class RouteTable {
  readonly #routes: { readonly segments: readonly string[]; readonly methods: readonly string[] }[] = [];

  /** `pattern` may hold `:name` segments. */
  add(methods: string | readonly string[], pattern: string): void {
    this.#routes.push({ segments: pattern.split('/'), methods: [methods].flat() });
  }

  /** The methods of the routes that match a URL; none if no route does. */
  methodsOf(url: string): string[] {
    const segments = (url.split('?', 1)[0] ?? '').split('/');
    const matching = this.#routes.filter((route) => matches(route.segments, segments));
    return [...new Set(matching.flatMap((route) => route.methods))];
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]))
  );
}
