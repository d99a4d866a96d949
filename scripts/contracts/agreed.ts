import type * as z from 'zod';

/** Without `readonly`, which a schema does not say. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<T[Key]> }
    : T;

/** Whether two types are the same, field by field, and not only assignable to each other. */
type Same<A, B> =
  (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;

/**
 * A schema of what the relay's code has as a type: `agreed<HelloFrame>()(z.strictObject({ … }))`. Where both are not the same the
 * schema is `never` here, and the types do not check.
 */
export function agreed<Declared>() {
  return <Schema extends z.ZodType>(
    schema: Same<z.infer<Schema>, Declared> extends true ? Schema : never,
  ): Schema => schema;
}
