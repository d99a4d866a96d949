/** What an action says of its tools: judged at the start, so that no user is the first to learn that one cannot work. */
import * as z from 'zod';
import { isLoopbackUrl } from '../http/admission/local-request.ts';
import { schemaProblems } from '../models/output-format.ts';
import { toolInput, toolInputProblems } from '../models/tool-input.ts';
import { ASKER_FIELDS, type Tool } from '../models/tools.ts';
import { endpointUrl } from './values.ts';

const MOST_TOOLS = 32;
const MOST_STEPS = 16;
const DEFAULT_TIMEOUT_MS = 10_000;
const MOST_TIMEOUT_MS = 120_000;

const url = endpointUrl().refine(
  (value) => value.startsWith('https:') || isLoopbackUrl(value),
  'must be https, since what is asked may hold words of a user; http is accepted on loopback only',
);

const inputSchema = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  if (schema['type'] !== 'object')
    context.addIssue({ code: 'custom', path: ['type'], message: 'must be "object": a tool takes one' });
  const problems = schemaProblems(schema);
  for (const { path, message } of problems.length > 0 ? problems : toolInputProblems(schema))
    context.addIssue({ code: 'custom', path: [...path], message });
});

const fields = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A-Z, a-z, 0-9, _ and -'),
  description: z.string().min(1, 'must say to the model what the tool does, and when to ask for it'),
  inputSchema,
  url,
  timeoutMs: z
    .int()
    .min(1, `must be 1 to ${MOST_TIMEOUT_MS} ms`)
    .max(MOST_TIMEOUT_MS, `must be 1 to ${MOST_TIMEOUT_MS} ms`)
    .default(DEFAULT_TIMEOUT_MS),
  sends: z.array(z.enum(ASKER_FIELDS, `each must be one of ${ASKER_FIELDS.join(', ')}`)).default([]),
  label: z.string().min(1).max(80, 'must have 80 characters or fewer').optional(),
});

const tool = fields.transform((values, context): Tool => {
  try {
    return { ...values, input: toolInput(values.inputSchema) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `is none that inputs can be checked by: ${why}`;
    context.addIssue({ code: 'custom', path: ['inputSchema'], message, input: values.inputSchema });
    return z.NEVER;
  }
});

/** Of an action, beside its other settings. */
export const toolSettings = {
  tools: z
    .array(tool)
    .min(1, 'must list one tool, or be left out')
    .max(MOST_TOOLS, `must be ${MOST_TOOLS} tools or fewer`)
    .superRefine((tools, context) => {
      for (const [index, { name }] of tools.entries())
        if (tools.findIndex((each) => each.name === name) < index)
          context.addIssue({
            code: 'custom',
            path: [index, 'name'],
            message: `"${name}" is there twice; give each tool a name of its own`,
          });
    })
    .optional(),
  maxToolSteps: z
    .int()
    .min(1, `must be 1 to ${MOST_STEPS}`)
    .max(MOST_STEPS, `must be 1 to ${MOST_STEPS}`)
    .optional(),
};

interface SettingsWithTools {
  readonly tools?: readonly Tool[] | undefined;
  readonly maxToolSteps?: number | undefined;
  readonly allEvents: boolean;
  readonly outputFormat?: unknown;
}

/** What does not go together with tools. */
export function checkTools(
  action: SettingsWithTools,
  context: z.core.$RefinementCtx<SettingsWithTools>,
): void {
  const problem = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (action.tools === undefined) {
    if (action.maxToolSteps !== undefined)
      problem('maxToolSteps', 'needs "tools"; list some, or leave it out');
    return;
  }
  if (action.allEvents)
    problem('allEvents', 'would show clients what tools are asked; leave it out, or the tools');
  if (action.outputFormat !== undefined)
    problem(
      'outputFormat',
      'cannot stand beside tools: what a model says before it asks for one would precede the JSON; leave one of them out',
    );
}
