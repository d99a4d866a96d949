/** What stands between a checkout and its release: one version everywhere, and words for it. */
export interface ReleaseFiles {
  /** Of the checkout, whose version both packages get. */
  readonly manifest: string;
  readonly lock: string;
  readonly changelog: string;
  /** Manifests by path. */
  readonly packages: Readonly<Record<string, string>>;
  /** As `npm run build` left them; empty before it. */
  readonly built: Readonly<Record<string, string>>;
  readonly examples: Readonly<Record<string, string>>;
  /** Of the release: `v0.2.0`. Undefined: none yet. */
  readonly tag: string | undefined;
}

interface Manifest {
  readonly version?: string;
  readonly repository?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const CLIENT = '@dash-relay/client';
const VERSION = /^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/;

/** @returns sentences that say what to do; none where all is well */
export function releaseFaults(files: ReleaseFiles): { readonly version: string; readonly faults: string[] } {
  const { version = '' } = parse(files.manifest);
  const faults = [
    VERSION.test(version) ? '' : `package.json: "${version}" is no version of Semantic Versioning`,
    parse(files.lock).version === version ? '' : 'package-lock.json has another version: run npm install',
    files.tag === undefined || files.tag === `v${version}`
      ? ''
      : `the tag of ${version} is v${version}, not ${files.tag}`,
    ...entries(files.packages, ({ repository }) =>
      repository === undefined ? 'names no "repository", without which npm gives no provenance' : '',
    ),
    ...entries(files.built, (built) =>
      built.version === version ? '' : `is built of version ${built.version}: run npm run build`,
    ),
    ...entries(files.examples, ({ dependencies = {} }) => {
      const { [CLIENT]: range = `^${version}` } = dependencies;
      return range === `^${version}` ? '' : `asks for ${CLIENT} ${range}: write ^${version}`;
    }),
    changelogFault(files.changelog, version),
  ];
  return { version, faults: faults.filter((fault) => fault !== '') };
}

function changelogFault(changelog: string, version: string): string {
  const sections = changelog.split(/^(?=## )/m).slice(1);
  const own = sections.find((section) => section.startsWith(`## [${version}] - `));
  if (own === undefined) return `CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD"`;
  if (!/^## \[[^\]]+\] - \d{4}-\d{2}-\d{2}\n/.test(own))
    return `CHANGELOG.md: ${version} has no date, YYYY-MM-DD`;
  if (!/^- /m.test(own)) return `CHANGELOG.md says nothing about ${version}`;
  const [unreleased = ''] = sections;
  if (!unreleased.startsWith('## [Unreleased]\n')) return 'CHANGELOG.md has no "## [Unreleased]" at its top';
  return /^- /m.test(unreleased) ? `CHANGELOG.md has lines under Unreleased that belong to ${version}` : '';
}

function entries(files: Readonly<Record<string, string>>, judge: (manifest: Manifest) => string): string[] {
  return Object.entries(files).flatMap(([path, text]) => {
    const fault = judge(parse(text));
    return fault === '' ? [] : [`${path} ${fault}`];
  });
}

function parse(text: string): Manifest {
  return JSON.parse(text) as Manifest;
}
