//! A Kokoro graph's inputs and outputs, found by name and type.
//!
//! Exports differ: `tokens` or `input_ids`, a float or a whole-number `speed`, `audio` or `waveform` with or
//! without a leading 1, durations or none. [`Signature::find`] knows these and refuses everything
//! else with a list of what it found, so that another model's file is never fed by mistake.

use duologue_native::onnx::{ElementKind, TensorInfo};

/// How the tempo is given to the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpeedKind {
    F32,
    I64,
    I32,
}

/// The names under which a graph takes and gives what we need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) tokens: String,
    pub(super) style: String,
    pub(super) speed: String,
    pub(super) speed_kind: SpeedKind,
    pub(super) audio: String,
    pub(super) durations: Option<String>,
}

impl Signature {
    /// Finds them, or says what is wrong and what is there instead.
    pub(super) fn find(inputs: &[TensorInfo], outputs: &[TensorInfo]) -> Result<Self, String> {
        let refuse = |missing: &str| {
            let list = |ports: &[TensorInfo]| ports.iter().map(shown).collect::<Vec<_>>().join(", ");
            format!("not a Kokoro graph: no {missing}; it takes {} and gives {}", list(inputs), list(outputs))
        };
        let tokens = find(inputs, &["tokens", "input_ids"], |p| {
            p.kind == ElementKind::I64 && fits(&p.shape, &[1, -1])
        })
        .ok_or_else(|| refuse("input `tokens` or `input_ids` of i64 [1, N]"))?;
        let style =
            find(inputs, &["style", "ref_s"], |p| p.kind == ElementKind::F32 && fits(&p.shape, &[1, 256]))
                .ok_or_else(|| refuse("input `style` of f32 [1, 256]"))?;
        let (speed, speed_kind) = inputs
            .iter()
            .find_map(|p| Some((p.name.clone(), speed_kind(p)?)))
            .ok_or_else(|| refuse("input `speed` of f32, i64 or i32 [1]"))?;
        if inputs.len() > 3 {
            return Err(refuse("graph with more inputs is known"));
        }
        let is_audio = |p: &TensorInfo| {
            p.kind == ElementKind::F32 && (fits(&p.shape, &[-1]) || fits(&p.shape, &[1, -1]))
        };
        let audio = find(outputs, &["audio", "waveform"], is_audio)
            .ok_or_else(|| refuse("output `audio` or `waveform` of f32 [T] or [1, T]"))?;
        let durations = find(outputs, &["duration", "durations", "pred_dur"], |p| p.kind == ElementKind::I64);
        Ok(Self { tokens, style, speed, speed_kind, audio, durations })
    }
}

fn shown(port: &TensorInfo) -> String {
    format!("{} {:?}{:?}", port.name, port.kind, port.shape)
}

fn speed_kind(port: &TensorInfo) -> Option<SpeedKind> {
    if port.name != "speed" || !(port.shape.is_empty() || fits(&port.shape, &[1])) {
        return None;
    }
    match port.kind {
        ElementKind::F32 => Some(SpeedKind::F32),
        ElementKind::I64 => Some(SpeedKind::I64),
        ElementKind::I32 => Some(SpeedKind::I32),
        _ => None,
    }
}

fn find(ports: &[TensorInfo], names: &[&str], fits: impl Fn(&TensorInfo) -> bool) -> Option<String> {
    ports.iter().find(|p| names.contains(&p.name.as_str()) && fits(p)).map(|p| p.name.clone())
}

/// Whether a shape can be `wanted`; a dimension below 0 on either side is free.
fn fits(dims: &[i64], wanted: &[i64]) -> bool {
    dims.len() == wanted.len() && dims.iter().zip(wanted).all(|(d, w)| *d < 0 || *w < 0 || d == w)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, kind: ElementKind, shape: &[i64]) -> TensorInfo {
        TensorInfo { name: name.to_owned(), kind, shape: shape.to_owned() }
    }

    fn graph(tokens: &str, speed: ElementKind, audio: &str) -> (Vec<TensorInfo>, Vec<TensorInfo>) {
        let inputs = vec![
            port("style", ElementKind::F32, &[1, 256]),
            port(tokens, ElementKind::I64, &[1, -1]),
            port("speed", speed, &[1]),
        ];
        (inputs, vec![port(audio, ElementKind::F32, &[-1])])
    }

    #[test]
    fn every_published_export_is_recognised() {
        for (tokens, audio) in [("tokens", "audio"), ("input_ids", "waveform")] {
            for (element, kind) in [
                (ElementKind::F32, SpeedKind::F32),
                (ElementKind::I64, SpeedKind::I64),
                (ElementKind::I32, SpeedKind::I32),
            ] {
                let (inputs, mut outputs) = graph(tokens, element, audio);
                let found = Signature::find(&inputs, &outputs).unwrap();
                assert_eq!((found.tokens.as_str(), found.audio.as_str()), (tokens, audio));
                assert_eq!((found.speed_kind, &found.durations), (kind, &None));
                outputs.push(port("durations", ElementKind::I64, &[-1]));
                assert!(Signature::find(&inputs, &outputs).unwrap().durations.is_some());
                outputs[0].shape = vec![1, -1];
                Signature::find(&inputs, &outputs).unwrap();
            }
        }
    }

    #[test]
    fn another_model_is_refused_with_what_it_has() {
        let (inputs, outputs) = graph("tokens", ElementKind::F32, "audio");
        type Damage = dyn Fn(&mut Vec<TensorInfo>, &mut Vec<TensorInfo>);
        let damaged: [&Damage; 8] = [
            &|i, _| i[0].shape = vec![1, 512],
            &|i, _| i[1].kind = ElementKind::I32,
            &|i, _| i[1].name = "x".into(),
            &|i, _| i[2].kind = ElementKind::Other,
            &|i, _| i.truncate(2),
            &|i, _| i.push(port("lengths", ElementKind::I64, &[1])),
            &|_, o| o[0].name = "mel".into(),
            &|_, o| o[0].shape = vec![-1, -1, 80],
        ];
        for damage in damaged {
            let (mut inputs, mut outputs) = (inputs.clone(), outputs.clone());
            damage(&mut inputs, &mut outputs);
            let message = Signature::find(&inputs, &outputs).unwrap_err();
            assert!(
                message.contains(&shown(&inputs[0])) && message.contains(&shown(&outputs[0])),
                "{message}"
            );
        }
        assert!(Signature::find(&[], &[]).is_err());
    }
}
