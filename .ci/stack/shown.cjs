// What Grafana shows for query results: its own transformations, field overrides and texts, from @grafana/data.
//
//   node shown.cjs DIRECTORY-WITH-NODE-MODULES < [{panel, results}...] > [shown...]
//
// `results` has, for each target of the panel, the result of Prometheus's API. What is shown is, for a stat or a gauge, a list
// of [title, text, colour]; for a table, a list of rows {heading: text} or {heading: [text, colour]} where the cell is coloured;
// for a timeline, {title: [text, colour, seconds], ...} of its parts in turn; for curves, {title: last value}, or the words
// that are there without any; for an XY chart, {part: [x, y] of its last point}.
//
// Not in that package, and so written here after what Grafana does: how a query's result becomes frames, the registry of
// field options, what becomes of thresholds when a panel is loaded, and the transformation partitionByValues.
const { createRequire } = require('module');
const data = createRequire(process.argv[2] + '/')('@grafana/data');
// Once loaded, it asks the browser for a few things.
globalThis.window ??= globalThis;
globalThis.navigator ??= { language: 'en', languages: ['en'] };

const theme = data.createTheme({ colors: { mode: 'dark' } });
const colours = Object.fromEntries(['green', 'yellow', 'orange', 'red', 'blue', '#808080'].map((name) => [theme.visualization.getColorByName(name), name]));
colours['#808080'] = 'grey';
const colour = (code) => colours[code] ?? code;

const option = (path, process, isCustom) => ({ id: isCustom ? `custom.${path}` : path, path, name: path, isCustom, process, shouldApply: () => true, settings: {}, override: null, editor: null });
const standard = ['unit', 'min', 'max', 'decimals', 'noValue', 'color', 'links', 'displayName'].map((path) => option(path, data.identityOverrideProcessor));
standard.push(option('thresholds', data.thresholdsOverrideProcessor), option('mappings', data.valueMappingsOverrideProcessor));
const custom = ['hideFrom', 'cellOptions', 'width', 'align', 'filterable'].map((path) => option(path, data.identityOverrideProcessor, true));
const registry = new data.FieldConfigOptionsRegistry(() => [...standard, ...custom]);

// In Grafana's core. Fields keep their first names; the display name gets the part's value before it.
const partitionByValues = {
  id: 'partitionByValues',
  name: 'Partition by values',
  operator: (options) => (source) => source.pipe(map((frames) => frames.flatMap((frame) => partition(frame, options)))),
};
const map = (change) => (source) => new source.constructor((subscriber) => source.subscribe((value) => subscriber.next(change(value)), (error) => subscriber.error(error), () => subscriber.complete()));
function partition(frame, { fields, keepFields }) {
  const keys = frame.fields.filter((field) => fields.includes(field.name));
  const parts = new Map();
  for (let row = 0; row < frame.length; row++) {
    const part = keys.map((key) => key.values[row]).join(' ');
    parts.set(part, [...(parts.get(part) ?? []), row]);
  }
  return [...parts].map(([name, rows]) => ({
    name,
    length: rows.length,
    fields: frame.fields.filter((field) => keepFields || !keys.includes(field)).map((field) => ({
      ...field,
      state: {},
      config: field.config.displayName ? { ...field.config, displayName: `${name} ${field.config.displayName}` } : field.config,
      values: rows.map((row) => field.values[row]),
    })),
  }));
}
const transformers = [...new Map([...Object.values(data.standardTransformers), partitionByValues].map((one) => [one.id, one])).values()];
data.standardTransformersRegistry.setInit(() => transformers.map((one) => ({ id: one.id, name: one.name, transformation: async () => one, editor: null, imageDark: '', imageLight: '' })));

const number = (text) => (text === 'NaN' ? NaN : text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));
const points = (series) => series.values ?? [series.value];
const time = (values) => ({ name: 'Time', type: data.FieldType.time, config: {}, values });

function legend(format, labels) {
  if (format === '__auto') {
    return `{${Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(', ')}}`;
  }
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name) => labels[name] ?? '').replace(/ +/g, ' ').trim(); // as HTML does
}

// A frame for each series.
const curves = (target, result) => result.map((series) => ({
  refId: target.refId,
  length: points(series).length,
  fields: [time(points(series).map((point) => point[0] * 1000)), {
    name: 'Value', type: data.FieldType.number, labels: series.metric, values: points(series).map((point) => number(point[1])),
    config: { displayNameFromDS: legend(target.legendFormat, series.metric) },
  }],
}));

// A frame for each query, labels as columns.
function table(target, result, targets) {
  const labels = [...new Set(result.flatMap((series) => Object.keys(series.metric).sort()))];
  const rows = result.flatMap((series) => points(series).map((point) => [series.metric, point]));
  return [{
    refId: target.refId,
    length: rows.length,
    fields: [
      time(rows.map(([, point]) => point[0] * 1000)),
      ...labels.map((name) => ({ name, type: data.FieldType.string, config: {}, values: rows.map(([metric]) => metric[name] ?? '') })),
      { name: targets > 1 ? `Value #${target.refId}` : 'Value', type: data.FieldType.number, config: {}, values: rows.map(([, point]) => number(point[1])) },
    ],
  }];
}

const text = (shown) => [shown.prefix, shown.text, shown.suffix].filter(Boolean).join('').trim();

const kinds = {
  stat: (panel, frames) => data.getFieldDisplayValues({
    data: frames, fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (value) => value, theme, timeZone: 'utc',
  }).map(({ display }) => [display.title ?? '', panel.options.textMode === 'name' ? display.title ?? '' : text(display), colour(display.color)]),
  gauge: (panel, frames) => kinds.stat(panel, frames),
  table(panel, frames) {
    if (frames.length !== 1) {
      throw new Error(`${panel.title} has ${frames.length} frames`);
    }
    const [frame] = frames;
    const fields = frame.fields.filter((field) => !field.config.custom?.hideFrom?.viz);
    const texts = fields.filter((field) => field.type === data.FieldType.string && field.config.unit !== 'string');
    if (texts.length) {
      throw new Error(`${panel.title} shows texts as numbers: ${texts.map((field) => field.name)}`);
    }
    return Array.from({ length: frame.length }, (_, row) => Object.fromEntries(fields.map((field) => {
      const shown = field.display(field.values[row]);
      const cell = field.config.custom?.cellOptions?.type;
      return [data.getFieldDisplayName(field, frame, frames), cell?.startsWith('color-') && text(shown) ? [text(shown), colour(shown.color)] : text(shown)];
    })));
  },
  'state-timeline': (panel, frames) => Object.fromEntries(frames.map((frame) => {
    const [when, field] = frame.fields;
    const parts = [];
    field.values.forEach((value, i) => {
      const shown = field.display(value);
      const last = parts.at(-1);
      const seconds = (when.values[i + 1] - when.values[i] || 0) / 1000;
      if (last && last[0] === text(shown)) {
        last[2] += seconds;
      } else {
        parts.push([text(shown), colour(shown.color), seconds]);
      }
    });
    return [data.getFieldDisplayName(field, frame, frames), parts];
  })),
  timeseries: (panel, frames) => (frames.length === 0 ? panel.fieldConfig.defaults.noValue ?? 'No data' : Object.fromEntries(frames.map((frame) => {
    const field = frame.fields[1];
    return [data.getFieldDisplayName(field, frame, frames), text(field.display(field.values.at(-1)))];
  }))),
  xychart(panel, frames) {
    const { x, y } = panel.options.series[0];
    const find = (matcher, frame) => {
      const match = data.fieldMatchers.get(matcher.matcher.id).get(matcher.matcher.options);
      const field = frame.fields.find((one) => match(one, frame, frames));
      if (!field) {
        throw new Error(`${panel.title} has no field ${matcher.matcher.options}, but ${frame.fields.map((one) => one.name)}`);
      }
      return text(field.display(field.values.at(-1)));
    };
    return Object.fromEntries(frames.map((frame) => [frame.name, [find(x, frame), find(y, frame)]]));
  },
};

// JSON has null for the lowest threshold; Grafana replaces it when it loads a panel.
function fixThresholds({ defaults, overrides }) {
  const thresholds = overrides.flatMap((one) => one.properties).filter((one) => one.id === 'thresholds').map((one) => one.value);
  for (const one of [defaults.thresholds, ...thresholds]) {
    one.steps[0].value = -Infinity;
  }
}

async function shown({ panel, results }) {
  fixThresholds(panel.fieldConfig);
  const targets = panel.targets.length;
  let frames = panel.targets.flatMap((target, i) => (target.format === 'table' ? table(target, results[i], targets) : curves(target, results[i])));
  if (panel.transformations) {
    const { lastValueFrom } = createRequire(process.argv[2] + '/')('rxjs');
    frames = await lastValueFrom(data.transformDataFrame(panel.transformations, frames, { interpolate: (value) => value }));
  }
  frames = data.applyFieldOverrides({
    data: frames, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: (value) => value, theme, timeZone: 'utc',
  });
  for (const frame of frames) {
    for (const field of frame.fields) {
      field.display ??= data.getDisplayProcessor({ field, theme, timeZone: 'utc' });
    }
  }
  return kinds[panel.type](panel, frames);
}

(async () => {
  const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const answers = [];
  for (const one of asked) {
    answers.push(await shown(one).catch((error) => ({ error: String(error) })));
  }
  process.stdout.write(JSON.stringify(answers));
})();
