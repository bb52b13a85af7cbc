use std::time::Instant;use std::hint::black_box;
use ringside_journal::format::*;
fn main(){
 let mut v=vec![];for _ in 0..200000{let a=Instant::now();v.push(a.elapsed().as_nanos());}v.sort();println!("timer p50 {}",v[v.len()/2]);
 let h=SegmentHeader{epoch:1,number:1,first_sequence:1,previous_last_sequence:0,previous_chain:1,created_ns:0,segment_length:8192};let c=h.checksum();
 for len in [48usize,64,112,144]{let mut r=[7u8;144];let t=Instant::now();let mut x=0u32;for i in 0..2_000_000u32{r[9]=i as u8;x^=c.of(black_box(&r[..len]));}println!("crc {len}: {:?} {x}",t.elapsed()/2_000_000);}
 use ringside_domain::*;let c=Command{login:LoginId(7),action:Action::Enter(Enter{user_ref_num:1,quantity:100,price:5,symbol:Text(*b"ESH4    "),client_order_id:Text(*b"client order 1"),side:b'B',time_in_force:b'0',display:b'Y',capacity:b'A',intermarket_sweep:b'N',cross_type:b'N',options:OrderOptions::default()})};
 let mut b=[0;72];let t=Instant::now();for _ in 0..2_000_000{black_box(ringside_journal::micro_encode(black_box(&c),&mut b));black_box(&b);}println!("encode {:?}",t.elapsed()/2_000_000);
}
