/* The pipeline as a graph: selecting, moving, connecting and taking away. What a change makes of the pipeline says Python. */

import {
  applyNodeChanges,
  Background,
  BackgroundVariant,
  MarkerType,
  MiniMap,
  Position,
  ReactFlow,
  SelectionMode,
  useReactFlow,
  useStore as useFlowStore,
  type Connection,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange,
} from "@xyflow/react";
import { change } from "page/changes.js";
import { openCommands } from "page/commands.js";
import { DRAGGED } from "page/palette.js";
import { useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

import { useActions, useKeys } from "./actions";
import { MARGIN, useFit } from "./fit";
import { layout, NODE, type Room } from "./layout";
import { ModeContext, select, usePipeline } from "./pipeline";
import { RowEdge } from "./RowEdge";
import { routes, sockets, type Socket } from "./routes";
import { labelOf, StepNode } from "./StepNode";
import { States, Toolbar, Zoom } from "./Toolbar";
import { drawn } from "./view";

const nodeTypes = { step: StepNode };
const edgeTypes = { rows: RowEdge };
/** Where links begin and end: cards have one size, so nothing has to be measured before links are drawn. */
const HANDLES = [
  { id: "l", type: "target" as const, position: Position.Left, x: -4, y: 34, width: 8, height: 8 },
  { id: "t", type: "target" as const, position: Position.Top, x: 96, y: -4, width: 8, height: 8 },
  { id: "r", type: "source" as const, position: Position.Right, x: 196, y: 34, width: 8, height: 8 },
  { id: "b", type: "source" as const, position: Position.Bottom, x: 96, y: 72, width: 8, height: 8 },
];
const NONE: ReadonlySet<Socket> = new Set();
const MANY = 60;
const SETTLES_MS = 1000;

export function Canvas() {
  const mode = useContext(ModeContext);
  const pipeline = usePipeline(mode);
  const frame = useRef<HTMLDivElement>(null);
  const room = useRoom(frame, pipeline?.key);
  const flow = useReactFlow();
  const fit = useFit();
  const [nodes, setNodes] = useState<StepNode[]>([]);
  const fitNext = useRef(false); // once the places are known that were asked for
  const [linkSelected, setLinkSelected] = useState<string | null>(null);
  const graph = useMemo(() => (pipeline ? drawn(pipeline) : null), [pipeline]);
  const places = useMemo(() => (graph && room ? layout(graph, room) : null), [graph, room]);
  const ways = useMemo(() => (graph && places && pipeline ? routes(graph, places, pipeline.canvas.positions) : []), [graph, places, pipeline]);

  useLayoutEffect(() => {
    if (!pipeline || !graph || !places) return;
    setNodes((before) => {
      const chosen = new Set(before.filter((node) => node.selected).map((node) => node.id));
      if (pipeline.selected && !chosen.has(pipeline.selected)) {
        chosen.clear();
        chosen.add(pipeline.selected);
      }
      const hasProblem = (id: string | null) => Boolean(id && graph.nodes.get(id)?.step?.problems.length);
      const explained = hasProblem(pipeline.selected) ? pipeline.selected : [...graph.nodes.keys()].find(hasProblem);
      const used = sockets(ways);
      const known = new Map(before.map((node) => [node.id, node]));
      return [...graph.nodes.values()].map((one) => {
        const { id } = one;
        const at = pipeline.canvas.positions[id];
        const place = places.get(id) ?? { x: 0, y: 0 };
        const isResult = one.leaves.length > 0;
        return {
          ...known.get(id),
          id,
          type: "step" as const,
          position: at ? { x: at[0], y: at[1] } : { x: place.x, y: place.y },
          data: { drawn: one, isPrimary: id === pipeline.selected, isExplained: id === explained, sockets: used.get(id) ?? NONE },
          ...NODE,
          measured: NODE, // all have one size: those that are out of sight count too
          handles: HANDLES,
          draggable: mode === "build" && !isResult,
          selectable: !isResult,
          ariaRole: "button" as const,
          ariaLabel: labelOf(one),
          domAttributes: { "data-testid": `node-${id}` } as NonNullable<StepNode["domAttributes"]>,
          selected: chosen.has(id) && !isResult,
        };
      });
    });
  }, [pipeline, graph, places, ways, mode]);

  const edges = useMemo<RowEdge[]>(() => {
    const stepsOf = (id: string) => {
      const node = graph?.nodes.get(id);
      return node?.step ? [id] : (node?.group ?? []);
    };
    return ways.map((way) => {
      const { source, target } = way.link;
      const id = `${source}>${target}`;
      return {
        id,
        type: "rows" as const,
        source,
        target,
        sourceHandle: way.leaves,
        targetHandle: way.arrives,
        data: { ...way, from: stepsOf(source), to: stepsOf(target) },
        selected: id === linkSelected,
        markerEnd: { type: MarkerType.Arrow, width: 16, height: 16 },
        ariaLabel: `rows from ${source} to ${target}`,
      };
    });
  }, [graph, ways, linkSelected]);

  useEffect(() => {
    if (!fitNext.current) return;
    fitNext.current = false;
    fit(200);
  }, [places, fit]);

  const selected = pipeline?.selected;
  useEffect(() => {
    const isFree = document.activeElement === document.body || frame.current?.contains(document.activeElement);
    if (selected && isFree) frame.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(selected)}"]`)?.focus({ preventScroll: true });
  }, [selected]);

  const key = pipeline?.key;
  const hasCards = nodes.length > 0;
  useEffect(() => {
    if (!frame.current || !hasCards) return;
    const timer = setTimeout(fit, 50);
    const watching = new ResizeObserver(() => fit()); // what opens around it when a place is opened takes room from it
    watching.observe(frame.current);
    const settled = setTimeout(() => watching.disconnect(), SETTLES_MS);
    return () => {
      clearTimeout(timer);
      clearTimeout(settled);
      watching.disconnect();
    };
  }, [key, fit, room, hasCards]);

  const onNodesChange = useCallback((changes: NodeChange<StepNode>[]) => {
    setNodes((before) => {
      const after = applyNodeChanges(changes, before);
      const chosen = after.filter((node) => node.selected);
      const only = chosen.length === 1 ? chosen[0] : undefined;
      const wasOnly = before.filter((node) => node.selected);
      if (only?.data.drawn.step && (wasOnly.length !== 1 || wasOnly[0]?.id !== only.id)) queueMicrotask(() => select(mode, only.id));
      return after;
    });
    if (changes.some((one) => one.type === "select" && one.selected)) setLinkSelected(null);
  }, [mode]);

  const onEdgesChange = useCallback((changes: EdgeChange<RowEdge>[]) => {
    for (const one of changes) if (one.type === "select") setLinkSelected((before) => (one.selected ? one.id : before === one.id ? null : before));
  }, []);

  const actions = useActions(mode, nodes, linkSelected, fit, fitNext);
  useKeys(mode, frame, actions);
  const canBuild = mode === "build";

  if (!pipeline) return null;
  return (
    <div
      ref={frame}
      className={`df-canvas ${nodes.length > MANY ? "has-many" : ""}`}
      data-testid={canBuild ? "canvas" : "run-canvas"}
      onDragOver={(event) => {
        if (!canBuild || !event.dataTransfer?.types.includes(DRAGGED)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      }}
      onDrop={(event) => {
        const use = event.dataTransfer?.getData(DRAGGED);
        if (!use) return;
        event.preventDefault();
        const at = flow.screenToFlowPosition({ x: event.clientX - NODE.width / 2, y: event.clientY - NODE.height / 2 });
        change({ do: "add", use, at: [Math.round(at.x), Math.round(at.y)] });
      }}
    >
      <ZoomLevel />
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onNodeDragStop={(_, __, moved) => change({ do: "move", to: Object.fromEntries(moved.map((node) => [node.id, [Math.round(node.position.x), Math.round(node.position.y)]])) })}
        onConnect={(made: Connection) => change({ do: "connect", source: made.source, target: made.target })}
        onConnectEnd={(_, state: FinalConnectionState) => {
          if (!state.isValid && state.fromNode && state.fromHandle?.type === "source" && !state.toNode) openCommands({ add: [state.fromNode.id] });
        }}
        onNodeDoubleClick={(_, node) => canBuild && node.data.drawn.group.length > 0 && change({ do: "open-group", group: node.id })}
        minZoom={0.1}
        maxZoom={2}
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode="Shift"
        selectionOnDrag={canBuild}
        selectionMode={SelectionMode.Partial}
        panOnDrag={canBuild ? [1, 2] : true}
        panActivationKeyCode="Space"
        panOnScroll
        zoomOnDoubleClick={false}
        onlyRenderVisibleElements={nodes.length > MANY}
        nodesFocusable
        nodesConnectable={canBuild}
        edgesFocusable
        proOptions={{ hideAttribution: true }}
        aria-label="Pipeline, as a graph. The outline lists the same steps."
        disableKeyboardA11y
      >
        <Background variant={BackgroundVariant.Dots} gap={16} size={1.2} />
        {canBuild && <Toolbar actions={actions} selected={nodes.filter((node) => node.selected).length} />}
        {!canBuild && nodes.length > MANY && <States />}
        <Zoom position={canBuild ? "bottom-left" : "top-left"} />
        {nodes.length > 0 && <MiniMap pannable zoomable ariaLabel="Overview of the graph" nodeClassName={(node) => ((node as StepNode).data.drawn.step?.problems.length ? "is-problem" : node.selected ? "is-selected" : "")} />}
      </ReactFlow>
    </div>
  );
}

/** Below some zoom a card shows less, so that what it shows can be read. */
function ZoomLevel() {
  const zoom = useFlowStore((state) => state.transform[2]);
  const mark = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const canvas = mark.current?.closest<HTMLElement>(".df-canvas");
    if (!canvas) return;
    canvas.dataset.zoom = zoom < 0.45 ? "far" : zoom < 0.75 ? "mid" : "near";
    canvas.style.setProperty("--zoom", String(zoom));
  }, [zoom]);
  return <span ref={mark} hidden />;
}

/** How much room there is: as it was when this pipeline was opened, or the frame last became wider or narrower. A drawer that opens
    below must not make the steps change places. */
function useRoom(frame: { current: HTMLDivElement | null }, key: string | undefined): Room | null {
  const [room, setRoom] = useState<Room | null>(null);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let width = 0;
    const watching = new ResizeObserver(([entry]) => {
      const found = entry?.contentRect;
      if (!found?.width || Math.round(found.width) === width) return;
      width = Math.round(found.width);
      setRoom({ width: width - 2 * MARGIN, height: Math.round(found.height) - 2 * MARGIN });
    });
    watching.observe(element);
    return () => watching.disconnect();
  }, [frame.current, key]);
  return room;
}
