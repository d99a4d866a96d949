/** Every subject by the name scenarios call it. */
import { directSubject } from './direct.ts';
import { nginxSubject } from './nginx.ts';
import { installPeers } from './peer-packages.ts';
import { peerSubjects } from './peers.ts';
import type { Subject } from './port.ts';

const PEER_NAMES = ['plan-deno', 'plan-node', 'portkey-bun', 'ai-sdk'] as const;
const OWN = ['relay', 'bundle'] as const;
const STANDARD = ['nginx', 'nginx-plain', 'direct'] as const;

export type SubjectName = (typeof OWN | typeof STANDARD | typeof PEER_NAMES)[number];

/** All but the checkouts of the relay, for these names; packages are installed where they are needed. */
export function foreignSubjects(names: ReadonlySet<SubjectName>): readonly Subject[] {
  if (PEER_NAMES.some((name) => names.has(name))) installPeers();
  const all = [nginxSubject('https'), nginxSubject('http'), directSubject(), ...peerSubjects()];
  return all.filter(({ name }) => names.has(name as SubjectName));
}
