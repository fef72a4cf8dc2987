// A reason, as every document of JSON has it.

import * as z from 'zod';

export const reasonSchema = z
  .strictObject({
    code: z.number().int().describe('permanent number, see docs/reasons.md'),
    name: z.string().describe('its name; Unknown: of a newer version'),
    text: z.string().describe('what is wrong, as a phrase'),
  })
  .meta({ id: 'Reason', description: 'A row of docs/reasons.md. 0 Ok: nothing is wrong.' });
export type ReasonData = z.infer<typeof reasonSchema>;
