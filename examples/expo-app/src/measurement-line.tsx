import { StyleSheet, Text } from 'react-native';
import { useMeasurement } from './measurement';
import { type, useColors } from './theme';

/** By what the last answer came, for whoever tries the app on a phone; shown where a switch says so. */
export function MeasurementLine() {
  const measurement = useMeasurement();
  const { muted } = useColors();
  if (!measurement) return null;
  const { status, code, transport, resumes, first_token_ms: firstWord } = measurement;
  const said = firstWord === null ? 'no word' : `first word after ${Math.round(firstWord)} ms`;
  return (
    <Text role="status" style={[type.label, styles.line, { color: muted }]}>
      {[code ? `${status} ${code}` : status, transport, `resumes ${resumes}`, said].join(' · ')}
    </Text>
  );
}

const styles = StyleSheet.create({
  line: { paddingHorizontal: 12, paddingVertical: 4 },
});
