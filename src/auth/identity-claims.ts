/**
 * What a token says of its user beside who it is: role, tier, organisation. Asked only of verified tokens, so that what
 * the operator is told of comes from the issuer.
 */
import type { JsonObject } from './access-token.ts';
import { type ClaimPath, claimAt } from './claim-path.ts';
import { isLabel, type LabelFault, labelFault } from './label.ts';
import type { Principal } from './port.ts';
import { unauthorized } from './unauthorized.ts';

export interface IdentityClaimsOptions {
  /** Where the tier stands; the first that is there counts. Default `app_metadata.tier`. */
  readonly tier?: readonly ClaimPath[] | undefined;
  /** Default `app_metadata.organization_id`. */
  readonly organization?: readonly ClaimPath[] | undefined;
  /** Values of `role` that users have beside `authenticated`. */
  readonly roles?: readonly string[] | undefined;
  /** Told once of each. Must not throw. */
  readonly onNotice?: ((notice: ClaimNotice) => void) | undefined;
}

/** What only the operator can mend. Holds no text of a token but a role, which names a kind of user. */
export type ClaimNotice =
  /** Users of that role are refused. */
  | { readonly kind: 'role'; readonly role: string }
  /** The claim is there and no label: its users count as having none. */
  | { readonly kind: 'unusable'; readonly claim: 'tier' | 'organization'; readonly why: LabelFault };

const USER_ROLE = 'authenticated';
const TIER: readonly ClaimPath[] = [['app_metadata', 'tier']];
const ORGANIZATION: readonly ClaimPath[] = [['app_metadata', 'organization_id']];
/** A hook may write any role: their number must not grow the memory. */
const MAX_TOLD = 100;

export class IdentityClaims {
  readonly #tier: readonly ClaimPath[];
  readonly #organization: readonly ClaimPath[];
  readonly #roles: ReadonlySet<unknown>;
  readonly #onNotice: (notice: ClaimNotice) => void;
  readonly #told = new Set<string>();

  constructor(options: IdentityClaimsOptions) {
    const { tier = TIER, organization = ORGANIZATION, roles = [], onNotice = () => {} } = options;
    this.#tier = tier;
    this.#organization = organization;
    this.#roles = new Set([USER_ROLE, ...roles]);
    this.#onNotice = onNotice;
  }

  /** @throws RelayError `unauthorized` where its role is none of users' */
  requireRole({ role }: { readonly role?: unknown }): void {
    if (this.#roles.has(role)) return;
    if (isLabel(role)) this.#tell({ kind: 'role', role });
    throw unauthorized('role');
  }

  /** Null for what is not there or no label. */
  read(claims: JsonObject): Pick<Principal, 'tier' | 'organizationId'> {
    return {
      organizationId: this.#label('organization', claimAt(claims, this.#organization)),
      tier: this.#label('tier', claimAt(claims, this.#tier)),
    };
  }

  #label(claim: 'tier' | 'organization', value: unknown): string | null {
    if (isLabel(value)) return value;
    if (value !== undefined) this.#tell({ kind: 'unusable', claim, why: labelFault(value) });
    return null;
  }

  #tell(notice: ClaimNotice): void {
    const key = Object.values(notice).join(' ');
    if (this.#told.has(key) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(key);
    this.#onNotice(notice);
  }
}
