/**
 * The bill of materials of a package of ours, as CycloneDX has it: which packages have parts in it, of which version, under
 * which licence, by the digest of their archive. For scanners of operators, who see one bundle and no node_modules. The same
 * parts give the same text: it has no time and no number of its own.
 */
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import satisfies from 'spdx-satisfies';
import type { Licensed, LockedPackage } from './licences.ts';

/** Its name in a package. */
export const BILL_OF_MATERIALS = 'sbom.cdx.json';
/** Taken by the scanners in use. */
export const SPEC = Spec.Spec1dot6;

export type Part = Licensed & Partial<Pick<LockedPackage, 'integrity'>>;

export function billOfMaterials(whole: Part, parts: readonly Part[]): string {
  const component = componentOf(Enums.ComponentType.Application, whole);
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component }) });
  for (const part of parts) {
    const library = componentOf(Enums.ComponentType.Library, part);
    bom.components.add(library);
    component.dependencies.add(library.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(SPEC));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** The comparison throws where it is given no expression of SPDX's. */
const licences = new Contrib.License.Factories.LicenseFactory((text) => void satisfies(text, ['MIT']));

function componentOf(
  type: Enums.ComponentType,
  { name, version, license, integrity }: Part,
): Models.Component {
  const [, group, ownName = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const component = new Models.Component(type, ownName, {
    bomRef: purl,
    version,
    purl,
    ...(group === undefined ? {} : { group }),
  });
  if (license !== undefined) component.licenses.add(licences.makeFromString(license));
  const [, digest] = /^sha512-(.+)$/.exec(integrity ?? '') ?? [];
  if (digest !== undefined)
    component.hashes.set(Enums.HashAlgorithm['SHA-512'], Buffer.from(digest, 'base64').toString('hex'));
  return component;
}
